"""Networks of TensorFlow: FCClassify and the others, and those that a user builds; in Keras 3."""

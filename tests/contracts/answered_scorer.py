"""A script of a user's own whose model is a dictionary, with the function that asks it."""


def train(data, params, run):
    """How much more a tumour weighs than the middle of the classes."""
    frame, labels = data.inputs(), data.labels()
    means = frame.groupby(labels)["texture"].mean()
    return {"middle": float(means.mean()), "classes": means.index.tolist(), "weight": params.number("weight")}


def predict(model, frame):
    """One number a row."""
    score = model["weight"] * (frame["texture"] - model["middle"]).to_numpy(dtype=float)
    return score + (frame["size"] == "huge")

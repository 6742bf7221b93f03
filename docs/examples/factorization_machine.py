"""A factorization machine of degree two (Rendle 2010), fitted by Adam on all rows at once."""

import numpy as np


def train(data, params, run):
    frame, target = data.inputs(), data.labels()
    codes = {name: np.unique(frame[name]) for name in frame}
    x = one_hot(frame, codes)
    factors = params.integer("factors", default=4)
    steps, rate = params.integer("steps", default=300), params.number("rate", default=0.05)
    random = np.random.default_rng(params.integer("seed", default=0))
    model = {
        "codes": codes,
        "mean": target.mean(),
        "linear": np.zeros(x.shape[1]),
        "factors": random.normal(scale=0.1, size=(x.shape[1], factors)),
    }
    adam = {name: Adam(rate) for name in ("linear", "factors")}
    for step in range(steps):
        error = answers(model, x) - target
        model["linear"] -= adam["linear"].step(x.T @ error / len(x))
        gradient = x.T @ (error[:, None] * (x @ model["factors"]))
        gradient -= (x**2).T @ error[:, None] * model["factors"]
        model["factors"] -= adam["factors"].step(gradient / len(x))
        if step % 100 == 99:
            run.progress(f"step {step + 1}", (step + 1) / steps)
            print(f"step {step + 1}: rmse {np.sqrt((error**2).mean()):.3f}")
    run.metric("train_rmse", np.sqrt((error**2).mean()))
    return model


def predict(model, frame):
    return answers(model, one_hot(frame, model["codes"]))


def one_hot(frame, codes):
    columns = [frame[name].to_numpy()[:, None] == codes[name] for name in codes]
    return np.concatenate(columns, axis=1).astype(float)


def answers(model, x):
    factors = model["factors"]
    pairs = ((x @ factors) ** 2 - x**2 @ factors**2).sum(axis=1) / 2
    return model["mean"] + x @ model["linear"] + pairs


class Adam:
    def __init__(self, rate):
        self.rate, self.count, self.mean, self.square = rate, 0, 0.0, 0.0

    def step(self, gradient):
        self.count += 1
        self.mean = 0.9 * self.mean + 0.1 * gradient
        self.square = 0.999 * self.square + 0.001 * gradient**2
        mean = self.mean / (1 - 0.9**self.count)
        return self.rate * mean / (np.sqrt(self.square / (1 - 0.999**self.count)) + 1e-8)

"""How fast and how good are our boosted trees beside LightGBM's?

    cargo bench --bench boosting --no-run && ~/venv/bin/pip install lightgbm
    ~/venv/bin/python boosting.py BENCH

BENCH is the executable that the first line prints. 200,000 rows of 40 numbers are
drawn, a twentieth of them missing, with outcomes that depend on nine of them, alone
and together. Both fit on 140,000 with the same number of leaves and trees, all rows
and features, two threads; and score the other 60,000 from the numbers. Runs of both
take turns; printed are the medians of five and their ratios.
"""
import argparse, statistics, subprocess, tempfile, time

import lightgbm, numpy

ROWS, TRAIN, FEATURES, RUNS = 200_000, 140_000, 40, 5
SETTINGS = [(2, 500), (4, 500), (8, 300), (31, 100)]


def panel() -> tuple[numpy.ndarray, numpy.ndarray]:
    draw = numpy.random.default_rng(1)
    x = draw.gamma(2.0, 2.0, (ROWS, FEATURES))
    x[:, 20:] = draw.normal(size=(ROWS, 20))
    x[draw.random(x.shape) < 0.05] = numpy.nan
    z = numpy.nan_to_num(x)
    logit = (-2.2 + 0.3 * (z[:, 0] - 4) - 0.5 * numpy.maximum(z[:, 1] - 3, 0) + 0.8 * z[:, 20] * (z[:, 2] > 4)
             + 0.6 * z[:, 21] + 0.4 * abs(z[:, 22]) + 0.9 * (z[:, 3] > 5) * (z[:, 4] < 2))
    return x, draw.random(ROWS) < 1 / (1 + numpy.exp(-logit))


def theirs(x, y, leaves: int, trees: int) -> list[float]:
    began = time.monotonic()
    settings = {"objective": "binary", "num_leaves": leaves, "learning_rate": 0.1, "num_threads": 2, "verbosity": -1}
    model = lightgbm.train(settings, lightgbm.Dataset(x[:TRAIN], y[:TRAIN]), trees)
    fit = time.monotonic() - began
    began = time.monotonic()
    p = model.predict(x[TRAIN:])
    rate = (ROWS - TRAIN) / (time.monotonic() - began)
    return [fit, rate, -numpy.log(numpy.where(y[TRAIN:], p, 1 - p)).mean()]


def main() -> None:
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("bench")
    bench = args.parse_args().bench
    x, y = panel()
    print("| leaves × trees | fit | ÷ LightGBM | rows scored | ÷ LightGBM | log-loss | LightGBM's |\n|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        x.astype("<f8").tofile(f"{folder}/x.f64")
        y.astype("u1").tofile(f"{folder}/y.u8")
        for leaves, trees in SETTINGS:
            runs = []
            for _ in range(RUNS):
                said = subprocess.run([bench, folder, str(leaves), str(trees)], capture_output=True, text=True, check=True)
                runs.append([float(number) for number in said.stdout.split()] + theirs(x, y, leaves, trees))
            fit, rate, loss, lgb_fit, lgb_rate, lgb_loss = (statistics.median(column) for column in zip(*runs))
            print(f"| {leaves} × {trees} | {fit:.2f} s | {fit / lgb_fit:.2f} | {rate / 1e6:.2f} M/s | {rate / lgb_rate:.1f} "
                  f"| {loss:.4f} | {lgb_loss:.4f} |", flush=True)


if __name__ == "__main__":
    main()

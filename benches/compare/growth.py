"""How do time and memory grow with the number of events?

    python growth.py WORK DATA... --tenure ../../target/release/tenure

Loads each DATA folder (as in compare.py) into a store of its own under WORK,
which is emptied, and runs the five reports of compare.py. Prints one table.
"""
import argparse, os, shutil

import pyarrow.parquet as parquet

from compare import TENURE, tenure_load, tenure_report


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("work")
    arguments.add_argument("data", nargs="+")
    arguments.add_argument("--tenure", required=True)
    arguments.add_argument("-n", type=int, default=3)
    given = arguments.parse_args()
    binary = os.path.abspath(given.tenure)
    shutil.rmtree(given.work, ignore_errors=True)
    os.makedirs(given.work)
    print("| events | work | seconds | seconds per million | peak |")
    print("|---|---|---|---|---|")
    for data in given.data:
        events = parquet.ParquetFile(f"{data}/events.parquet").metadata.num_rows
        work = f"{given.work}/{os.path.basename(os.path.normpath(data))}"
        os.makedirs(work)

        def line(name, seconds, peak):
            million = events / 1e6
            print(f"| {million:.0f} M | {name} | {seconds:.2f} | {seconds / million:.4f} | {peak / 2**20:.0f} MiB |", flush=True)

        line("load and sort", *tenure_load(binary, data, work))
        for name in TENURE:
            seconds, _, peak = tenure_report(binary, work, name, given.n)
            line(name, seconds, peak)


if __name__ == "__main__":
    main()

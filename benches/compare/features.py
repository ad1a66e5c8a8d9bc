"""Does every feature of Tenure say what a query written from its description alone says?

    ~/venv/bin/python features.py STORE --tenure ../../target/release/tenure [--as-of DATE …] [GROUP ...]

STORE is a folder that Tenure has loaded. `features/GROUP.sql` is the twin of the
feature group GROUP: one DuckDB query over the store's Parquet files, cut at the
moment in both stamps as `reports.py` cuts them. It answers for every customer
known by then, those who did nothing of the kind included, so that what their
absence means is compared too. `features/macros.sql` is what twins share.

Every value of every customer is compared, to within a billionth of itself, at
each moment: the end of the data and four before, one in the middle of a day, or
those of `--as-of`. Exits with 1 if a value differs, or if a feature has no twin
or a twin no feature.
"""
import argparse, datetime, glob, io, os, subprocess, sys

import numpy, pyarrow, pyarrow.parquet

from reports import THREADS, Store

HERE = os.path.dirname(os.path.abspath(__file__))
SHOWN = 5


def moments(store: Store) -> list[str]:
    """The end of the data, ends of days before, and a moment within a day."""
    day = lambda back: (store.end - datetime.timedelta(days=back)).strftime("%Y-%m-%d")
    return [store.end.isoformat(), day(45), day(120), day(300), f"{day(200)}T13:14:15.000016+00:00"]


def tenure(binary: str, folder: str, as_of: str) -> pyarrow.Table:
    """All features of all customers."""
    ran = subprocess.run([binary, "features", "--store", folder, "--as-of", as_of, "--format", "parquet"],
                         env={**os.environ, "TENURE_ENGINE_PARTITIONS": str(THREADS)}, capture_output=True)
    if ran.returncode != 0:
        sys.exit(ran.stderr.decode())
    return pyarrow.parquet.read_table(io.BytesIO(ran.stdout))


def numbers(column) -> numpy.ndarray:
    return numpy.array([numpy.nan if value is None else float(value) for value in column.to_pylist()])


def compare(store: Store, ours: pyarrow.Table, group: str, as_of: str) -> tuple[bool, set[str]]:
    """Prints the verdict on one group at one moment; the columns of its twin."""
    sql = open(f"{HERE}/features/{group}.sql", encoding="utf-8").read()
    theirs = store.base.sql(f"SELECT * FROM ({sql}) ORDER BY customer_id").to_arrow_table()
    names = [name for name in theirs.column_names if name != "customer_id"]
    found = [f"{name} is no feature" for name in names if name not in ours.column_names]
    if ours.column("customer_id").to_pylist() != theirs.column("customer_id").to_pylist():
        found.append(f"customers: ours {len(ours)}, DuckDB {len(theirs)}")
    for name in names if not found else []:
        a, b = numbers(ours.column(name)), numbers(theirs.column(name))
        for at in numpy.flatnonzero(~numpy.isclose(a, b, rtol=1e-9, atol=1e-12, equal_nan=True)):
            found.append(f"{name} of {ours.column('customer_id')[at]}: ours {a[at]!r}, DuckDB {b[at]!r}")
    if not found:
        print(f"ok {group} {as_of} ({len(names)} features of {len(theirs)} customers)", flush=True)
    else:
        more = [f"and {len(found) - SHOWN} more"] if len(found) > SHOWN else []
        print("\n    ".join([f"DIFFERS {group} {as_of}", *found[:SHOWN], *more]), flush=True)
    return not found, set(names)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("store")
    parser.add_argument("groups", nargs="*", metavar="GROUP", help="only these groups")
    parser.add_argument("--tenure", default="tenure", metavar="BIN")
    parser.add_argument("--as-of", action="append", metavar="DATE|INSTANT")
    args = parser.parse_intermixed_args()
    twins = sorted(os.path.basename(file).removesuffix(".sql") for file in glob.glob(f"{HERE}/features/*.sql"))
    twins = [twin for twin in twins if twin != "macros" and (not args.groups or twin in args.groups)]
    store = Store(args.store)
    store.base.execute(open(f"{HERE}/features/macros.sql", encoding="utf-8").read())
    fine = True
    for as_of in args.as_of or moments(store):
        store.stand({"as_of": as_of})
        store.base.execute("SET VARIABLE known_as_of = getvariable('as_of')")
        ours, known = tenure(args.tenure, args.store, as_of), {"customer_id", "segment", "channel", "region", "industry"}
        for group in twins:
            equal, names = compare(store, ours, group, as_of)
            fine, known = fine and equal, known | names
        attributes = store.base.execute("SELECT DISTINCT unnest(map_keys(attributes)) FROM customers").fetchall()
        known |= {f"{prefix}{name}" for (name,) in attributes for prefix in ("", "attribute_")}
        for name in sorted(set(ours.column_names) - known) if not args.groups else []:
            print(f"feature {name} has no twin")
            fine = False
    sys.exit(0 if fine else 1)


if __name__ == "__main__":
    main()

"""Do late rows cost what they are, and change no answer?

    python late.py DATA WORK --tenure ../../target/release/tenure [--loads 20] [--rows 1000000]

Splits the events of DATA (as in compare.py; 70 M for the table in README.md)
into a base and LOADS parts of ROWS rows, of which seven in ten are the newest
in time order and three in ten were held back at random from all of history.
Loads the base, then part after part, each followed by `tenure compact`; and
everything at once into another store. Prints what compaction rewrote per load,
compares all answers of both stores, and lets DuckDB, Polars and deltalake count
the rows of the tables. WORK is emptied.
"""
import argparse, json, os, shutil, subprocess

import numpy
import pyarrow.parquet as parquet

from compare import TENURE, tenure_load, tenure_report


def split(data, work, loads, rows):
    """The base and the parts as Parquet files, in one pass over the events."""
    source = parquet.ParquetFile(f"{data}/events.parquet")
    total = source.metadata.num_rows
    newest = rows * 7 // 10
    first_new = total - loads * newest
    held = numpy.random.default_rng(1).choice(first_new, loads * (rows - newest), replace=False)
    part_of = numpy.full(total, -1, dtype=numpy.int8)
    part_of[held] = numpy.arange(len(held)) % loads
    part_of[first_new:] = numpy.arange(loads).repeat(newest)
    paths = [f"{work}/part_{part}.parquet" for part in range(loads)] + [f"{work}/base/events.parquet"]
    os.makedirs(f"{work}/base")
    writers = [parquet.ParquetWriter(path, source.schema_arrow) for path in paths]
    start = 0
    for batch in source.iter_batches(1 << 20):
        parts = part_of[start:start + batch.num_rows]
        for part in numpy.unique(parts):
            writers[part].write_batch(batch.filter(parts == part))
        start += batch.num_rows
    for writer in writers:
        writer.close()
    for name in ("customers", "orders", "surveys"):
        os.symlink(os.path.abspath(f"{data}/{name}.parquet"), f"{work}/base/{name}.parquet")
    return paths[:-1]


def counts(store):
    """Rows of the activity table, as others read it."""
    import duckdb, deltalake, polars
    path = f"{store}/tables/activity"
    files = deltalake.DeltaTable(path).file_uris()
    return {
        "deltalake": deltalake.DeltaTable(path).to_pyarrow_dataset().count_rows(),
        "DuckDB": duckdb.execute("SELECT count(*) FROM read_parquet(?)", [files]).fetchone()[0],
        "Polars": polars.scan_delta(path).select(polars.len()).collect().item(),
    }


def answer(binary, work, name):
    _, rows, _ = tenure_report(binary, work, name, 1)
    if rows is None:
        table = parquet.read_table(f"{work}/tenure_features.parquet")
        return table.sort_by("customer_id")
    return rows


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("data")
    arguments.add_argument("work")
    arguments.add_argument("--tenure", required=True)
    arguments.add_argument("--loads", type=int, default=20)
    arguments.add_argument("--rows", type=int, default=1_000_000)
    given = arguments.parse_args()
    binary, work = os.path.abspath(given.tenure), given.work
    shutil.rmtree(work, ignore_errors=True)
    os.makedirs(f"{work}/clean")
    parts = split(given.data, work, given.loads, given.rows)
    tenure_load(binary, f"{work}/base", work)
    store = f"{work}/tenure"
    run = lambda *words: subprocess.run([binary, *words, "--store", store], check=True, stdout=subprocess.PIPE, text=True).stdout
    print("| load | bytes new | bytes rewritten | rows rewritten | runs before | after |")
    print("|---|---|---|---|---|---|")
    size = lambda: sum(entry.stat().st_size for entry in os.scandir(f"{store}/tables/activity") if entry.is_file())
    new, rewritten = 0, 0
    for number, part in enumerate(parts, 1):
        before = size()
        run("ingest", part, "--map", "bench")
        added = size() - before
        merged = json.loads(run("compact", "--format", "json"))["tables"].get("activity")
        merged = merged or {"bytes_written": 0, "rows": 0, "runs_before": "", "runs_after": ""}
        new, rewritten = new + added, rewritten + merged["bytes_written"]
        print(f"| {number} | {added / 1e6:.1f} M | {merged['bytes_written'] / 1e6:.1f} M | {merged['rows']:,} | "
              f"{merged['runs_before']} | {merged['runs_after']} |", flush=True)
    print(f"\nbytes rewritten per new byte: {rewritten / new:.2f}\n")
    tenure_load(binary, given.data, f"{work}/clean")
    for name in TENURE:
        same = answer(binary, work, name) == answer(binary, f"{work}/clean", name)
        print(f"{name}: {'equal to' if same else 'DIFFERS FROM'} one clean load of everything", flush=True)
    expected = parquet.ParquetFile(f"{given.data}/events.parquet").metadata.num_rows
    for reader, rows in counts(store).items():
        print(f"{reader} counts {rows:,} of {expected:,} rows")


if __name__ == "__main__":
    main()

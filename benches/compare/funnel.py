"""Do funnels of every mode agree with ClickHouse's windowFunnel and with DuckDB?

    ~/venv/bin/python funnel.py WORK --tenure ../../target/release/tenure [--customers 100000]

Random customers do five kinds of things within 60 days; three of them are steps.
WORK is emptied. Exits with 1 where a step is reached by another number of
customers.

ordered  ClickHouse and DuckDB, which tries all chains by joins.
any      DuckDB, which tries every row as the first.
strict   DuckDB, by the next rows. ClickHouse's strict_order gives up at the first
         row between two steps, also if the customer enters again later, and lets
         a step that was done already lie between; so it is asked about customers
         who do no step twice.
"""
import argparse, json, os, shutil, subprocess, sys

import duckdb, numpy, pyarrow, pyarrow.parquet
from chdb import session

STEPS = ["trial", "quote", "purchase"]
NAMES = STEPS + ["login", "complaint"]
DAYS, MICROS = 60, 86_400_000_000
HERE = os.path.dirname(os.path.abspath(__file__))


def generate(path, customers):
    """About eight rows a customer, no two of one customer at the same instant."""
    chance = numpy.random.default_rng(4)
    who = numpy.repeat(numpy.arange(customers), chance.poisson(8, customers))
    at = chance.integers(0, DAYS * MICROS, len(who)) + 1_735_689_600_000_000
    _, first = numpy.unique(numpy.stack([who, at]), axis=1, return_index=True)
    who, at = who[first], at[first]
    name = numpy.array(NAMES)[chance.choice(len(NAMES), len(who), p=[.15, .15, .15, .4, .15])]
    events = {"event_id": [str(n) for n in range(len(who))], "customer_id": [f"C{n:06}" for n in who], "name": name,
              "occurred_at": pyarrow.array(at, pyarrow.timestamp("us", "UTC"))}
    pyarrow.parquet.write_table(pyarrow.table(events), path)
    return len(who)


def counts(levels):
    """Customers that reach each step, from (level, customers)."""
    return [sum(n for level, n in levels if level >= step) for step in range(1, len(STEPS) + 1)]


def tenure(args, window, mode):
    asked = ["--set", "steps=" + ",".join(STEPS), "--set", f"window={window}d", "--set", f"mode={mode}"]
    out = subprocess.run([args.tenure, "report", "funnel", "--store", f"{args.work}/store", "--format", "json", *asked],
                         check=True, capture_output=True)
    return [row["customers"] for row in json.loads(out.stdout)]


DUCKDB = {
    # The earliest quote after each trial leaves most room for a purchase.
    "ordered": """
        WITH pairs AS (
            SELECT a.customer_id, a.occurred_at AS started_at, min(b.occurred_at) AS second_at
            FROM (FROM events WHERE name = 'trial') AS a
            LEFT JOIN (FROM events WHERE name = 'quote') AS b
                ON b.customer_id = a.customer_id AND b.occurred_at > a.occurred_at AND b.occurred_at <= a.occurred_at + length
            GROUP BY ALL),
        chains AS (
            SELECT pairs.*, min(c.occurred_at) AS third_at
            FROM pairs LEFT JOIN (FROM events WHERE name = 'purchase') AS c
                ON c.customer_id = pairs.customer_id AND c.occurred_at > second_at AND c.occurred_at <= started_at + length
            GROUP BY ALL)
        SELECT customer_id, max(1 + (second_at IS NOT NULL)::INT + (third_at IS NOT NULL)::INT) AS level
        FROM chains GROUP BY ALL""",
    "strict": """
        SELECT customer_id, max(CASE WHEN second = 'quote' AND second_at <= occurred_at + length
            THEN CASE WHEN third = 'purchase' AND third_at <= occurred_at + length THEN 3 ELSE 2 END ELSE 1 END) AS level
        FROM (SELECT *, lead(name) OVER w AS second, lead(occurred_at) OVER w AS second_at,
                lead(name, 2) OVER w AS third, lead(occurred_at, 2) OVER w AS third_at
            FROM events WINDOW w AS (PARTITION BY customer_id ORDER BY occurred_at))
        WHERE name = 'trial' GROUP BY ALL""",
    "any": """
        SELECT customer_id, max(level) AS level FROM (
            SELECT a.customer_id, count(DISTINCT b.name) AS level
            FROM (FROM events WHERE name IN ('trial', 'quote', 'purchase')) AS a
            JOIN (FROM events WHERE name IN ('trial', 'quote', 'purchase')) AS b
                ON b.customer_id = a.customer_id AND b.occurred_at BETWEEN a.occurred_at AND a.occurred_at + length
            GROUP BY a.customer_id, a.occurred_at)
        GROUP BY ALL""",
}
# Nobody does a step twice.
ONCE = ("customer_id NOT IN (SELECT customer_id FROM events WHERE name IN ('trial', 'quote', 'purchase') "
        "GROUP BY customer_id, name HAVING count(*) > 1)")


def duck(connection, window, mode, where="TRUE"):
    sql = DUCKDB[mode].replace("length", f"INTERVAL {window} DAY")
    return counts(connection.sql(f"SELECT level, count(*) FROM ({sql}) WHERE {where} GROUP BY ALL").fetchall())


def house(store, window, mode, where="1"):
    conditions = ", ".join(f"name = '{step}'" for step in STEPS)
    strict = ", 'strict_order'" if mode == "strict" else ""
    sql = (f"SELECT level, count() FROM (SELECT customer_id, windowFunnel({window * MICROS}{strict})"
           f"(toUInt64(toUnixTimestamp64Micro(occurred_at)), {conditions}) AS level FROM events WHERE {where} "
           "GROUP BY customer_id) GROUP BY level FORMAT TSV")
    return counts([tuple(map(int, line.split())) for line in str(store.query(sql)).split("\n") if line])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("work")
    parser.add_argument("--tenure", required=True)
    parser.add_argument("--customers", type=int, default=100_000)
    args = parser.parse_args()
    shutil.rmtree(args.work, ignore_errors=True)
    os.makedirs(args.work)
    path = os.path.abspath(f"{args.work}/events.parquet")
    rows = generate(path, args.customers)
    subprocess.run([args.tenure, "ingest", path, "--store", f"{args.work}/store",
                    "--map", f"{HERE}/../../datasets/mappings/bench.toml"], check=True, capture_output=True)
    connection = duckdb.connect()
    connection.sql(f"CREATE TABLE events AS FROM '{path}'")
    store = session.Session(f"{args.work}/clickhouse")
    store.query("CREATE DATABASE bench")
    store.query("USE bench")
    store.query("CREATE TABLE events (customer_id String, name String, occurred_at DateTime64(6)) "
                "ENGINE = MergeTree ORDER BY (customer_id, occurred_at)")
    store.query(f"INSERT INTO events SELECT customer_id, name, occurred_at FROM file('{path}', Parquet)")
    print(f"{args.customers:,} customers, {rows:,} rows, steps {' → '.join(STEPS)}\n")
    print("| mode | window | Tenure | DuckDB | ClickHouse | |\n|---|---|---|---|---|---|")
    wrong = 0
    for mode in ("ordered", "strict", "any"):
        for window in (3, 14, 45):
            ours, theirs = tenure(args, window, mode), duck(connection, window, mode)
            equal = ours == theirs
            if mode == "ordered":
                third = house(store, window, mode)
                equal, shown = equal and third == ours, str(third)
            elif mode == "strict":
                once, third = duck(connection, window, mode, ONCE), house(store, window, mode, ONCE)
                equal, shown = equal and once == third, f"{third} of those who do no step twice, DuckDB {once}"
            else:
                shown = "has none"
            wrong += not equal
            print(f"| {mode} | {window} d | {ours} | {theirs} | {shown} | {'equal' if equal else 'DIFFERENT'} |")
    sys.exit(wrong > 0)


if __name__ == "__main__":
    main()

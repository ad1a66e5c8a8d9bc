"""How long does it take to score a million customers with reasons, and in how much memory?

    ~/venv/bin/python million.py GENERATED --tenure ../../target/release/tenure [--customers 1000000] [--events 50000000]

GENERATED is a folder that `tenure generate` has written (20,000 customers are
enough to train on). A model is trained on its files. Then its customers are
multiplied, each copy with ids of its own and a random part of the activity, until
there are as many customers and events as asked for; all of them are loaded, and
scored. Printed are the customers who were eligible, the time of the scoring alone
(features of all events, probabilities, reasons, written and published) and its
most resident memory. Lines that the generator made faulty are left out.
"""
import argparse, os, subprocess, sys, tempfile, time

import duckdb

KEYS = {
    "customers": ["customer_id"],
    "orders": ["order_id", "customer_id"],
    "subscriptions": ["subscription_id", "customer_id"],
    "surveys": ["response_id", "customer_id"],
    "tickets": ["ticket_id", "customer_id"],
    "touches": ["touch_id", "customer_id"],
    "opportunities": ["opportunity_id", "customer_id"],
    "opportunity_stages": ["opportunity_id"],
}
ACTIVITY = "event_id:'VARCHAR', customer_id:'VARCHAR', name:'VARCHAR', occurred_at:'VARCHAR', quantity:'BIGINT', properties:'JSON'"


def multiply(exports: str, out: str, customers: int, events: int) -> None:
    """Writes `customers` customers with about `events` rows of activity."""
    db = duckdb.connect()
    db.execute("SET preserve_insertion_order = false")
    csv = lambda name: (f"read_csv('{exports}/{name}.csv', all_varchar=true, header=true, delim=',', quote='\"', "
                        "ignore_errors=true, strict_mode=false, null_padding=true)")
    rows = lambda of: db.execute(f"SELECT count(*) FROM {of}").fetchone()[0]
    copies = -(-customers // rows(csv("customers")))
    for name, keys in KEYS.items():
        own = ", ".join(f"{key} || 'K' || copy AS {key}" for key in keys)
        db.execute(f"COPY (SELECT x.* REPLACE ({own}) FROM {csv(name)} x, range({copies}) r(copy)) "
                   f"TO '{out}/{name}.csv' (HEADER)")
    lines = f"read_json('{exports}/activity_*.ndjson', format='newline_delimited', ignore_errors=true, columns={{{ACTIVITY}}})"
    kept = int(1e6 * min(1.0, events / (copies * rows(lines))))
    db.execute(f"COPY (SELECT x.* REPLACE (event_id || 'K' || copy AS event_id, customer_id || 'K' || copy AS customer_id) "
               f"FROM {lines} x, range({copies}) r(copy) WHERE hash(event_id, copy) % 1000000 < {kept}) "
               f"TO '{out}/activity.ndjson' (FORMAT json)")


def run(*command: str) -> tuple[str, float, float]:
    """What a command printed, the seconds it took, and its most resident memory in GiB."""
    began = time.monotonic()
    with tempfile.TemporaryFile("w+") as out:
        child = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
        _, status, used = os.wait4(child.pid, 0)
        out.seek(0)
        said = out.read()
    if status != 0:
        sys.exit(said)
    return said, time.monotonic() - began, used.ru_maxrss / 2**20


def main() -> None:
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("generated")
    args.add_argument("--tenure", required=True)
    args.add_argument("--customers", type=int, default=1_000_000)
    args.add_argument("--events", type=int, default=50_000_000)
    args = args.parse_args()
    exports = os.path.join(args.generated, "exports")
    with tempfile.TemporaryDirectory(dir=args.generated) as work:
        store, copies = os.path.join(work, "store"), os.path.join(work, "copies")
        os.mkdir(copies)
        run(args.tenure, "ingest", exports, "--store", store)
        run(args.tenure, "train", "--store", store)
        multiply(exports, copies, args.customers, args.events)
        print(run(args.tenure, "ingest", copies, "--store", store)[0], flush=True)
        said, seconds, memory = run(args.tenure, "score", "--store", store)
        print(said)
        print(f"scored in {seconds:.1f} s, {memory:.2f} GiB")


if __name__ == "__main__":
    main()

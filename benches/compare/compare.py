"""How do Tenure, ClickHouse and DuckDB compare on the same reports?

    python -m venv ~/venv && ~/venv/bin/pip install -r requirements.txt
    ~/venv/bin/python compare.py DATA WORK --tenure ../../target/release/tenure

DATA holds events, customers, orders and surveys as Parquet (mapping `bench`);
WORK is emptied. README.md has the rules and the last table.
"""
import argparse, json, math, multiprocessing, os, resource, shutil, subprocess, time

HERE = os.path.dirname(os.path.abspath(__file__))
CUTOFF = "TIMESTAMP '2025-10-01 00:00:00'"
STEPS = ["signup", "trial", "quote_opened", "purchase"]
NAMES = ["login", "view_page", "use_feature_a", "use_feature_b", "use_feature_c",
         "export", "invite", "complaint"]
TENURE = {
    "funnel": ["--set", "steps=" + ",".join(STEPS), "--set", "window=30d", "--set", "breakdown=channel"],
    "retention": [],
    "ltv": ["--set", "cohort=created"],
    "nps": ["--set", "breakdown=segment"],
    "features": ["--as-of", "2025-09-30T23:59:59.999999Z"],
}


def feature_columns(day):
    within = lambda days: f"occurred_at >= {CUTOFF} - INTERVAL {days} DAY"
    columns = [f"sum(CASE WHEN {within(n)} THEN 1 ELSE 0 END) AS ev_{n}" for n in (7, 14, 30, 60, 90)]
    columns += [f"sum(CASE WHEN name = '{name}' AND {within(n)} THEN 1 ELSE 0 END) AS {name}_{n}"
                for name in NAMES for n in (30, 90)]
    return columns + ["max(occurred_at) AS last_at", "min(occurred_at) AS first_at",
                      "count(DISTINCT name) AS breadth",
                      f"count(DISTINCT CASE WHEN {within(90)} THEN {day} END) AS active_days_90"]


def features(day):
    return (f"SELECT customer_id, {', '.join(feature_columns(day))} FROM events "
            f"WHERE occurred_at < {CUTOFF} GROUP BY customer_id")


def best(run, n):
    times = []
    for _ in range(n):
        started = time.perf_counter()
        answer = run()
        times.append(time.perf_counter() - started)
    return min(times), answer


def clickhouse(data, work, n):
    from chdb import session
    store = session.Session(f"{work}/clickhouse")
    store.query("SET max_threads = 2")
    store.query("CREATE DATABASE bench")
    store.query("USE bench")
    source = lambda name: f"file('{data}/{name}.parquet', Parquet)"
    started = time.perf_counter()
    store.query("CREATE TABLE events (customer_id String, name LowCardinality(String), occurred_at DateTime64(6)) "
                "ENGINE = MergeTree ORDER BY (customer_id, occurred_at)")
    store.query(f"INSERT INTO events SELECT customer_id, name, occurred_at FROM {source('events')}")
    store.query("OPTIMIZE TABLE events FINAL")
    for name in ("customers", "orders", "surveys"):
        store.query(f"CREATE TABLE {name} ENGINE = MergeTree ORDER BY customer_id "
                    f"SETTINGS allow_nullable_key = 1 AS SELECT * FROM {source(name)}")
    load = time.perf_counter() - started
    conditions = ", ".join(f"name = '{step}'" for step in STEPS)
    steps = ", ".join(f"countIf(reached >= {k})" for k in range(1, 5))
    queries = {
        "funnel": f"SELECT channel, {steps} FROM (SELECT customer_id, "
                  f"windowFunnel(2592000000000)(toUInt64(toUnixTimestamp64Micro(occurred_at)), {conditions}) AS reached FROM events "
                  f"WHERE name IN ({', '.join(repr(s) for s in STEPS)}) GROUP BY customer_id) AS j "
                  "JOIN customers USING (customer_id) GROUP BY channel ORDER BY channel",
        "retention": "SELECT toDate(cohort), dateDiff('month', cohort, month), count() FROM (SELECT customer_id, "
                     "arrayJoin(groupUniqArray(toStartOfMonth(occurred_at)) AS months) AS month, "
                     "arrayMin(months) AS cohort FROM events GROUP BY customer_id) GROUP BY 1, 2 ORDER BY 1, 2",
        "ltv": "SELECT toDate(cohort), age, revenue FROM (SELECT toStartOfMonth(created_at) AS cohort, "
               "dateDiff('month', cohort, ordered_at) AS age, sum(amount) AS revenue "
               "FROM orders JOIN customers USING (customer_id) GROUP BY 1, 2) ORDER BY 1, 2",
        "nps": "SELECT toDate(month), segment, count(), 100 * (avg(score >= 9) - avg(score <= 6)) FROM "
               "(SELECT customer_id, toStartOfMonth(responded_at) AS month, argMax(score, responded_at) AS score "
               "FROM surveys GROUP BY 1, 2) AS l JOIN customers USING (customer_id) GROUP BY 1, 2 ORDER BY 1, 2",
        "features": f"SELECT count(), sum(cityHash64(*)) FROM ({features('toDate(occurred_at)')})",
    }
    # The generator clamps thousands of answers to the last instant: which one
    # counts is arbitrary to the timed query, so a second one is compared.
    checks = {"nps": queries["nps"].replace("responded_at) AS score", "(responded_at, toString(response_id))) AS score")}
    answers = {}
    for name, query in queries.items():
        ask = lambda query: str(store.query(query, "JSONCompactEachRow"))
        seconds, answer = best(lambda: ask(query), n)
        answer = ask(checks[name]) if name in checks else answer
        rows = [json.loads(line) for line in answer.splitlines()]
        answers[name] = (seconds, rows if name != "features" else None)
    return load, answers


def duckdb(data, work, n):
    import duckdb
    base = duckdb.connect(f"{work}/duckdb.db")
    base.execute("SET threads = 2")
    started = time.perf_counter()
    base.execute(f"CREATE TABLE events AS SELECT * FROM '{data}/events.parquet' ORDER BY customer_id, occurred_at")
    for name in ("customers", "orders", "surveys"):
        base.execute(f"CREATE TABLE {name} AS SELECT * FROM '{data}/{name}.parquet'")
    load = time.perf_counter() - started
    queries = {
        "retention": "WITH m AS (SELECT DISTINCT customer_id, date_trunc('month', occurred_at) AS month FROM events), "
                     "f AS (SELECT customer_id, min(month) AS cohort FROM m GROUP BY 1) "
                     "SELECT cohort::DATE, datediff('month', cohort, month), count(*) FROM m JOIN f USING (customer_id) "
                     "GROUP BY 1, 2 ORDER BY 1, 2",
        "ltv": "SELECT date_trunc('month', created_at)::DATE, datediff('month', date_trunc('month', created_at), ordered_at), "
               "sum(amount) FROM orders JOIN customers USING (customer_id) GROUP BY 1, 2 ORDER BY 1, 2",
        "nps": "SELECT month::DATE, segment, count(*), 100.0 * (avg((score >= 9)::INT) - avg((score <= 6)::INT)) FROM "
               "(SELECT customer_id, date_trunc('month', responded_at) AS month, arg_max(score, responded_at) AS score "
               "FROM surveys GROUP BY 1, 2) JOIN customers USING (customer_id) GROUP BY 1, 2 ORDER BY 1, 2",
    }
    checks = {"nps": queries["nps"].replace("responded_at) AS score", "(responded_at, response_id::VARCHAR)) AS score")}
    answers = {}
    for name, query in queries.items():
        seconds, rows = best(lambda: base.execute(query).fetchall(), n)
        rows = base.execute(checks[name]).fetchall() if name in checks else rows
        answers[name] = (seconds, [[str(row[0]), *row[1:]] for row in rows])
    day = features("date_trunc('day', occurred_at)")
    seconds, _ = best(lambda: base.execute(f"CREATE OR REPLACE TEMP TABLE f AS {day}").fetchall(), n)
    base.execute(f"COPY f TO '{work}/duckdb_features.parquet'")
    answers["features"] = (seconds, None)
    return load, answers


def tenure_load(binary, data, work):
    """Seconds of loading and compacting, and the peak of memory in bytes."""
    store, peak = f"{work}/tenure", 0
    files = [f"{data}/{name}.parquet" for name in ("customers", "events", "orders", "surveys")]
    started = time.perf_counter()
    for words in (["ingest", *files, "--map", "bench"], ["compact"]):
        child = subprocess.Popen([binary, *words, "--store", store], stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        if status != 0:
            raise SystemExit(f"tenure {words[0]} failed")
        peak = max(peak, usage.ru_maxrss * 1024)
    return time.perf_counter() - started, peak


def tenure_report(binary, work, name, n):
    """The best seconds of n runs, the rows (features: in a file), and the peak in bytes."""
    form, out = ("parquet", f"{work}/tenure_features.parquet") if name == "features" else ("json", f"{work}/{name}.json")
    ran = subprocess.run([binary, "--queries", f"{HERE}/queries", "report", name, *TENURE[name], "--store", f"{work}/tenure",
                          "--repeat", str(n), "--format", form, "-o", out],
                         check=True, stderr=subprocess.PIPE, text=True)
    lines = [json.loads(line) for line in ran.stderr.splitlines() if line.startswith("{")]
    rows = None if name == "features" else json.load(open(out))
    return min(line["seconds"] for line in lines), rows, max(line["peak_bytes"] for line in lines)


def tenure(binary, data, work, n):
    load, peak = tenure_load(binary, data, work)
    answers, peaks = {}, {"load and sort": peak}
    for name in TENURE:
        seconds, rows, peaks[name] = tenure_report(binary, work, name, n)
        answers[name] = (seconds, rows)
    return load, answers, peaks


def comparable(name, rows):
    """Our rows in the shape of the peers'."""
    if name == "funnel":
        steps = {}
        for row in rows:
            steps.setdefault(row["breakdown"], []).append(row["customers"])
        return [[channel, *customers] for channel, customers in sorted(steps.items())]
    if name == "retention":
        return [[r["cohort"], r["age"], r["customers"]] for r in rows if r["customers"]]
    if name == "ltv":
        return [[r["cohort"], r["age"], float(r["revenue"])] for r in rows if float(r["revenue"])]
    return [[r["period"], r["breakdown"], r["responses"], r["nps"]] for r in rows]


def equal(ours, theirs):
    same = lambda a, b: (math.isclose(float(a), float(b), rel_tol=1e-9, abs_tol=0.005)
                         if isinstance(a, float) else str(a) == str(b))
    return len(ours) == len(theirs) and all(
        len(a) == len(b) and all(map(same, a, b)) for a, b in zip(ours, theirs))


def same_features(work):
    import duckdb
    base = duckdb.connect()
    columns = ", ".join(column.split(" AS ")[1] for column in feature_columns("x"))
    columns = columns.replace("last_at", "epoch_us(last_at)").replace("first_at", "epoch_us(first_at)")
    ours, theirs = (f"SELECT customer_id, {columns} FROM '{work}/{engine}_features.parquet'"
                    for engine in ("tenure", "duckdb"))
    missing = base.execute(f"SELECT count(*) FROM ({theirs} EXCEPT ALL {ours})").fetchall()[0][0]
    extra = base.execute(f"SELECT count(*) FROM ({ours} EXCEPT ALL {theirs})").fetchall()[0][0]
    return missing == extra == 0


def alone(run, queue, *arguments):
    """Runs a peer in a process of its own, whose peak memory is the peer's."""
    answer = run(*arguments)
    queue.put((answer, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("data")
    parser.add_argument("work")
    parser.add_argument("--tenure", required=True)
    parser.add_argument("--runs", type=int, default=3)
    args = parser.parse_args()
    shutil.rmtree(args.work, ignore_errors=True)
    os.makedirs(args.work)
    spawn, peers = multiprocessing.get_context("spawn"), {}
    for name, run in (("clickhouse", clickhouse), ("duckdb", duckdb)):
        queue = spawn.Queue()
        process = spawn.Process(target=alone, args=(run, queue, args.data, args.work, args.runs))
        process.start()
        peers[name] = queue.get()
        process.join()
    load, ours, peaks = tenure(os.path.abspath(args.tenure), args.data, args.work, args.runs)
    loads = [peer[0][0] for peer in peers.values()]
    print("| | ClickHouse | DuckDB | Tenure | Tenure ÷ best | peak of Tenure | answers |")
    print("|---|---|---|---|---|---|---|")
    print(f"| load and sort | {loads[0]:.1f} s | {loads[1]:.1f} s | {load:.1f} s | {load / min(loads):.2f} | "
          f"{peaks['load and sort'] / 2**20:.0f} MiB | |")
    for name, (seconds, rows) in ours.items():
        cells, words, times = [], [], []
        for peer, ((_, answers), _) in peers.items():
            if name not in answers:
                cells.append("")
                continue
            theirs, expected = answers[name]
            times.append(theirs)
            cells.append(f"{theirs:.2f} s")
            if expected is not None:
                verdict = "equal" if equal(comparable(name, rows), expected) else "NOT EQUAL"
                words.append(f"{verdict} to {peer}")
        if name == "features":
            words.append(("equal" if same_features(args.work) else "NOT EQUAL") + " to duckdb")
        peak = f"{peaks[name] / 2**20:.0f} MiB"
        print(f"| {name} | {' | '.join(cells)} | {seconds:.2f} s | {seconds / min(times):.2f} | {peak} | {', '.join(words)} |")
    for peer, (_, peak) in peers.items():
        print(f"peak of {peer}, loading included: {peak / 2**20:.0f} MiB")


if __name__ == "__main__":
    main()

"""spectriage beside other programs that show a Parquet table: datui, DuckDB's shell and tabiew.

    python3 benches/peers/table.py survey.parquet          # 20 million rows
    python3 benches/peers/browse.py survey.parquet [ROUNDS]

Each program runs on a pseudo-terminal of 120 x 40 and is driven with its keys, in turns, ROUNDS times (3). A step takes from the key (or the Enter
of a line) to the output that first makes the screen say what is expected; what that is, DuckDB works out beforehand. Memory is the process's largest
resident set (VmHWM). SPECTRIAGE, DATUI, DUCKDB and TABIEW name the programs (default: what is in PATH); one that is not there is said to be missing.
Needs pyte (`pip install pyte`), and `pip install datui duckdb-cli` and `cargo install tabiew` (TABIEW=tw) for the peers. A warm file is measured: it is read once before.
"""

import fcntl
import json
import os
import pty
import queue
import shutil
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time

import pyte

# The thread that takes the times must not wait for the emulation.
sys.setswitchinterval(1e-4)
COLUMNS, LINES = 120, 40
PATIENCE = 90.0
# What terminals answer when they are asked what they are: attributes, cursor, colors.
ANSWERS = [(b"\x1b[c", b"\x1b[?62;22c"), (b"\x1b[6n", b"\x1b[1;1R"), (b"\x1b]11;?", b"\x1b]11;rgb:0000/0000/0000\x07")]


class Missed(Exception):
    pass


class Terminal:
    def __init__(self, arguments, folder):
        self.started = time.monotonic()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            for name in ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME"):
                os.environ[name] = folder
            os.environ.update(TERM="xterm-256color", COLORTERM="truecolor", LANG="C.UTF-8", LINES=str(LINES), COLUMNS=str(COLUMNS))
            os.chdir(folder)
            os.execvp(arguments[0], arguments)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        self.screen = pyte.Screen(COLUMNS, LINES)
        self.stream = pyte.ByteStream(self.screen)
        self.chunks = queue.Queue()
        self.most = 0
        # Read at once, so that the program never waits for the emulation.
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        while True:
            try:
                chunk = os.read(self.fd, 65536)
            except OSError:
                return
            now = time.monotonic()
            for asked, answer in ANSWERS:
                if asked in chunk:
                    os.write(self.fd, answer)
            self.chunks.put((now, chunk))

    def text(self):
        return "\n".join(self.screen.display)

    def memory(self):
        try:
            with open(f"/proc/{self.pid}/status") as status:
                for line in status:
                    if line.startswith("VmHWM"):
                        self.most = max(self.most, int(line.split()[1]) / 1024)
        except OSError:
            pass
        return self.most

    def until(self, seen):
        """Waits without measuring; what is expected may be there already."""
        if not seen(self.text()):
            self.wait(seen)
        self.settle()

    def wait(self, seen, since=None):
        """Milliseconds from `since` to the output after which `seen` holds of the screen."""
        since = since or self.started
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            try:
                now, chunk = self.chunks.get(timeout=0.2)
            except queue.Empty:
                continue
            try:
                self.stream.feed(chunk.replace(b"\x1b[?2026h", b"").replace(b"\x1b[?2026l", b""))
            except Exception:
                pass
            if seen(self.text()):
                return 1e3 * (now - since)
        raise Missed(self.text())

    def settle(self, quiet=0.4, most=5.0):
        end = time.monotonic() + most
        while time.monotonic() < end:
            try:
                _, chunk = self.chunks.get(timeout=quiet)
                self.stream.feed(chunk.replace(b"\x1b[?2026h", b"").replace(b"\x1b[?2026l", b""))
            except queue.Empty:
                return
            except Exception:
                pass

    def press(self, keys, seen):
        self.settle()
        since = time.monotonic()
        os.write(self.fd, keys.encode())
        return self.wait(seen, since)

    def type(self, keys, pause=0.05):
        """Keys that are not measured."""
        for key in keys:
            os.write(self.fd, key.encode())
            time.sleep(pause)
        self.settle()

    def end(self):
        self.memory()
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)


class Truth:
    """What the screens have to say, worked out by DuckDB."""

    def __init__(self, duckdb, path):
        self.duckdb, self.path = duckdb, path
        self.rows = int(self.ask("SELECT count(*) AS v FROM t")[0])
        self.ids = {n: self.ask(f"SELECT object_id AS v FROM t LIMIT 1 OFFSET {n}")[0] for n in (0, 36, 60, 100, self.rows // 2, self.rows - 1)}

    def ask(self, sql):
        sql = sql.replace("FROM t", f"FROM '{self.path}'")
        done = subprocess.run([self.duckdb, "-json", "-c", sql], capture_output=True, text=True, check=True)
        return [str(row["v"]) for row in json.loads(done.stdout)]


FEW = "z < 0.01 AND z > 0 AND spectype = 'QSO'"
MANY = "zwarn = 0 AND z < 0.5"
SORTS = ("z", "targetid", "object_id")


def spectriage(program, path, truth, folder, note):
    one = Terminal([program, path, "--theme", "dark"], folder)
    try:
        note("first screen", one.wait(lambda text: truth.ids[0] in text))
        one.settle()
        if "rows |" not in one.text():
            one.type(["\x1b"])
        note("page down", one.press("\x1b[6~", lambda text: truth.ids[36] in text))
        note("last row", one.press("G", lambda text: truth.ids[truth.rows - 1] in text))
        note("a row in the middle", middle(one, truth))
        one.type("gg")
        note("first rows: memory", one.memory())
        for name, text in (("filter, few", FEW), ("filter, many", MANY)):
            want = truth.ask(f"SELECT count(*) AS v FROM t WHERE {text}")[0]
            one.type(["f"] + ["\x15"] + [text])
            note(name, one.press("\r", lambda seen: thousands(want) in seen and "Esc stops" not in seen))
            one.type("F")
            one.until(lambda seen: "Esc stops" not in seen and thousands(str(truth.rows)) in seen)
        for column in SORTS:
            one.type(["s", "\x15", column])
            note(f"sort by {column}", one.press("\r", lambda seen: f"catalog by {column}" in seen))
        note("memory", one.memory())
    finally:
        one.end()


def middle(one, truth):
    row = truth.rows // 2
    one.type(["g", "o", str(row)])
    return one.press("\r", lambda text: truth.ids[row] in text)


def datui(program, path, truth, folder, note):
    one = Terminal([program, path], folder)
    try:
        note("first screen", one.wait(lambda text: truth.ids[0] in text))
        note("page down", one.press("\x1b[6~", lambda text: truth.ids[36] in text))
        note("last row", one.press("\x1b[F", lambda text: truth.ids[truth.rows - 1] in text))
        one.type([":", str(truth.rows // 2)])
        note("a row in the middle", one.press("\r", lambda text: truth.ids[truth.rows // 2] in text))
        one.type(["\x1b[H"])
        note("first rows: memory", one.memory())
        for name, text in (("filter, few", FEW), ("filter, many", MANY)):
            want = int(truth.ask(f"SELECT count(*) AS v FROM t WHERE {text}")[0])
            one.type([":", "\x15", f"SELECT * FROM df WHERE {text}"])
            note(name, one.press("\r", lambda seen: f"/ {want:,}" in seen))
            one.type(["R"])
            one.until(lambda seen: f"/ {truth.rows:,}" in seen)
        for column in SORTS:
            second = truth.ask(f"SELECT object_id AS v FROM t ORDER BY {column} LIMIT 1 OFFSET 1")[0]
            one.type(["g", column, "\r"])
            note(f"sort by {column}", one.press("[", lambda seen: second in seen))
            one.type(["R"])
            one.settle(1.0)
        note("memory", one.memory())
    finally:
        one.end()


def duckdb(program, path, truth, folder, note):
    page = "LIMIT 40"
    one = Terminal([program, "-c", f"SELECT * FROM '{path}' {page};"], folder)
    try:
        note("first screen", one.wait(lambda text: truth.ids[36] in text))
    finally:
        one.end()
    one = Terminal([program], folder)
    try:
        one.until(lambda text: "D " in text)
        one.type([".pager off\r", ".mode duckbox\r"])

        def ask(name, sql, seen):
            one.type([sql])
            note(name, one.press("\r", lambda text: seen in text and text.rstrip().splitlines()[-1].strip() in ("D", "memory D")))

        ask("page down", f"SELECT * FROM '{path}' {page} OFFSET 64;", truth.ids[100])
        ask("last row", f"SELECT * FROM '{path}' {page} OFFSET {truth.rows - 40};", truth.ids[truth.rows - 1])
        ask("a row in the middle", f"SELECT * FROM '{path}' {page} OFFSET {truth.rows // 2 - 10};", truth.ids[truth.rows // 2])
        note("first rows: memory", one.memory())
        for name, text in (("filter, few", FEW), ("filter, many", MANY)):
            want = truth.ask(f"SELECT count(*) AS v FROM t WHERE {text}")[0]
            ask(name, f"CREATE OR REPLACE TABLE l AS SELECT file_row_number AS r FROM read_parquet('{path}', file_row_number=true) WHERE {text}; SELECT count(*) FROM l;", want)
        for column in SORTS:
            ask(
                f"sort by {column}",
                f"CREATE OR REPLACE TABLE l AS SELECT file_row_number AS r FROM read_parquet('{path}', file_row_number=true) ORDER BY {column}; SELECT count(*) FROM l;",
                str(truth.rows),
            )
            ask(f"40 rows by {column}", f"SELECT object_id, 'by'||'{column}' FROM '{path}' ORDER BY {column} {page};", f"by{column}")
        note("memory", one.memory())
    finally:
        one.end()


def tabiew(program, path, truth, folder, note):
    # A row cannot be asked for by its number.
    one = Terminal([program, path], folder)
    try:
        note("first screen", one.wait(lambda text: truth.ids[0] in text))
        note("page down", one.press("\x06", lambda text: truth.ids[60] in text))
        note("last row", one.press("G", lambda text: truth.ids[truth.rows - 1] in text))
        one.type("g")
        note("first rows: memory", one.memory())
        for name, text in (("filter, few", FEW), ("filter, many", MANY)):
            want = truth.ask(f"SELECT count(*) AS v FROM t WHERE {text}")[0]
            one.type([":", "f ", text], 0.3)
            note(name, one.press("\r", lambda seen: f"Shape  {want} x" in seen))
            one.type("q")
        for column in SORTS:
            second = truth.ask(f"SELECT object_id AS v FROM t ORDER BY {column} LIMIT 1 OFFSET 1")[0]
            one.type([":", "o ", f"{column} ASC"], 0.3)
            note(f"sort by {column}", one.press("\r", lambda seen: second in seen))
            one.type("q")
        note("memory", one.memory())
    finally:
        one.end()


def thousands(digits):
    return f"{int(digits):,}"


PROGRAMS = {"spectriage": spectriage, "datui": datui, "duckdb": duckdb, "tabiew": tabiew}


def main():
    path = os.path.abspath(sys.argv[1])
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    found = {name: shutil.which(os.environ.get(name.upper(), name)) for name in PROGRAMS}
    for name, program in found.items():
        if program is None:
            print(f"{name}: not here, not measured")
    truth = Truth(found["duckdb"], path)
    with open(path, "rb") as file:
        while file.read(1 << 24):
            pass
    print(f"{path}: {truth.rows} rows, {os.path.getsize(path) / 1e9:.2f} GB; load {os.getloadavg()[0]:.1f}")
    steps = {}
    for _ in range(rounds):
        for name, drive in PROGRAMS.items():
            if found[name] is None:
                continue
            with tempfile.TemporaryDirectory() as folder:
                note = lambda step, value, name=name: steps.setdefault(step, {}).setdefault(name, []).append(value)
                try:
                    drive(found[name], path, truth, folder, note)
                except Missed as missed:
                    print(f"{name}: the screen never said what was expected; it is\n{missed}", file=sys.stderr)
    print(f"\n{'milliseconds (memory: MB)':<28}" + "".join(f"{name:>14}" for name in PROGRAMS) + f"{'best peer':>12}")
    for step, of in steps.items():
        medians = {name: statistics.median(values) for name, values in of.items()}
        line = f"{step:<28}" + "".join(f"{medians[name]:14.1f}" if name in medians else f"{'-':>14}" for name in PROGRAMS)
        peers = [value for name, value in medians.items() if name != "spectriage"]
        if peers and "spectriage" in medians:
            line += f"{min(peers) / medians['spectriage']:11.1f}x"
        print(line)


if __name__ == "__main__":
    main()

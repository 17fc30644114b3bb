"""Runs the fuzz targets, each in a process of its own, guided by coverage (atheris, libFuzzer).

    python -m fuzz                       every target, a bounded number of runs: what CI does
    python -m fuzz --seconds 600 proxy   a hunt: another seed each time, finds kept in the corpus

Says what input broke a target, and where it lies. Without atheris it says so, and that is all.
"""

import argparse
import importlib.util
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
RUNS = 100_000
SECONDS_MAX = 8  # for a target in CI, on a machine that does other things as well
_INPUT_BYTES_MAX = 4096
_ONE_INPUT_S_MAX = 5  # longer is a loop without end


def names() -> list[str]:
    """Return the targets' names without importing them: they are to be instrumented."""
    return sorted(one.name for one in (HERE / "corpus").iterdir() if one.is_dir())


def run_target(name: str, options: list[str]) -> None:
    """Fuzz one target in this process; never returns."""
    import atheris

    with atheris.instrument_imports(include=["stentor", "fuzz.targets"]):
        from fuzz.targets import TARGETS
    atheris.Setup([f"fuzz {name}", *options], TARGETS[name])
    atheris.Fuzz()


def watch(name: str, seconds: int | None, finds: Path) -> bool:
    """Fuzz one target in a process of its own; say whether it held."""
    corpus = HERE / "corpus" / name
    options = [
        f"-max_len={_INPUT_BYTES_MAX}",
        f"-timeout={_ONE_INPUT_S_MAX}",
        f"-artifact_prefix={finds}/{name}-",
        "-print_final_stats=1",
    ]
    dictionary = HERE / "words" / f"{name}.txt"
    if dictionary.exists():
        options.append(f"-dict={dictionary}")
    if seconds is None:
        new = finds / f"{name}-corpus"
        new.mkdir()
        options += ["-seed=1", f"-runs={RUNS}", f"-max_total_time={SECONDS_MAX}", str(new)]
    else:
        options += [f"-max_total_time={seconds}"]
    command = (sys.executable, "-m", "fuzz", "--child", name, *options, str(corpus))
    began = time.monotonic()
    done = subprocess.run(command, cwd=HERE.parent, capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    runs = next((line.split()[-1] for line in said.splitlines() if "executed_units" in line), "?")
    verdict = "ok" if done.returncode == 0 else "BROKEN"
    print(f"fuzz {name:<10} {runs:>8} runs  {time.monotonic() - began:4.1f} s  {verdict}")
    if done.returncode != 0:
        print(said[-6000:])
        for find in sorted(finds.glob(f"{name}-*-*")):
            print(f"{find}: {find.read_bytes()!r}")
    return done.returncode == 0


def main() -> int:
    """Return 0 if every target held."""
    if sys.argv[1:2] == ["--child"]:
        run_target(sys.argv[2], sys.argv[3:])
    parser = argparse.ArgumentParser(prog="python -m fuzz")
    parser.add_argument("--seconds", type=int, help="hunt for so long, each target")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(names()))
    wish = parser.parse_args()
    if importlib.util.find_spec("atheris") is None:
        print("fuzz: skipped, as atheris is not here (it has wheels for x86-64 Linux only)")
        return 0
    finds = Path(tempfile.mkdtemp(prefix="stentor-fuzz-"))
    held = [watch(name, wish.seconds, finds) for name in wish.targets or names()]
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())

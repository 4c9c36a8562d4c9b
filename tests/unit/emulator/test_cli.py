# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test the command line, in processes of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

EMULATOR = Path(__file__).resolve().parents[2] / "emulator"
NODE = "i-0a1b2c3d4e5f60001"
ASK = f"""
import boto3
print(boto3.client("ssm").get_connection_status(Target="{NODE}")["Status"])
"""


def command(*arguments: str) -> list[str]:
    return [sys.executable, str(EMULATOR), *arguments]


def run(*arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **extra}
    return subprocess.run(command(*arguments), capture_output=True, text=True, env=environment, timeout=60, check=False)


def python(code: str) -> list[str]:
    return ["--", sys.executable, "-c", code]


def test_a_command_sees_the_world_and_its_status_is_passed_on() -> None:
    done = run("run", "--world", "demo", "--summary", *python(ASK + "raise SystemExit(7)"))
    assert (done.returncode, done.stdout) == (7, "connected\n")
    assert "1 ssm:GetConnectionStatus" in done.stderr


def test_nothing_of_the_users_own_settings_reaches_the_command(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("[default]\nignore_configured_endpoint_urls = true\nregion = xx-west-1\n", encoding="utf-8")
    show = "import json, os; print(json.dumps(dict(os.environ)))"
    leaks = {
        "AWS_CONFIG_FILE": str(config),
        "AWS_ENDPOINT_URL_SSM": "http://192.0.2.1",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
        "AWS_PROFILE": "nobody",
        "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/x",
        "AWS_SESSION_TOKEN": "x",
        "AWS_URL": "http://192.0.2.1",
        "EC2_URL": "http://192.0.2.1",
        "HTTP_PROXY": "http://192.0.2.1:1",
        "NO_PROXY": "example.org",
    }
    done = run("run", "--world", "demo", *python(show), **leaks)
    found = {k: v for k, v in json.loads(done.stdout).items() if k.startswith(("AWS_", "EC2_", "NO_PROXY"))}
    assert sorted(found) == [
        "AWS_ACCESS_KEY_ID",
        "AWS_CONFIG_FILE",
        "AWS_DEFAULT_REGION",
        "AWS_EC2_METADATA_DISABLED",
        "AWS_ENDPOINT_URL",
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SHARED_CREDENTIALS_FILE",
        "NO_PROXY",
    ]
    assert found["AWS_CONFIG_FILE"] == "/dev/null" and found["AWS_REGION"] == "us-east-1"
    assert found["NO_PROXY"] == "example.org,127.0.0.1,localhost"
    assert run("run", "--world", "demo", *python(ASK), **leaks).stdout == "connected\n"


def test_a_violation_fails_a_command_that_succeeded() -> None:
    code = "import boto3\ntry: boto3.client('ssm').list_commands()\nexcept Exception: pass"
    done = run("run", *python(code))
    assert done.returncode == 70
    assert "emulator: contract violation: ssm:ListCommands: ssm:ListCommands is not emulated" in done.stderr


def test_an_unused_fault_fails_a_command_that_succeeded(tmp_path: Path) -> None:
    world = tmp_path / "world.yml"
    world.write_text("faults: [{op: DescribeSessions, do: {drop: before}}]\n", encoding="utf-8")
    done = run("run", "--world", str(world), *python("pass"))
    assert done.returncode == 70
    assert "emulator: unused fault: drop on DescribeSessions" in done.stderr
    assert run("run", "--world", str(world), *python("raise SystemExit(3)")).returncode == 3


def test_mistakes_are_sentences(tmp_path: Path) -> None:
    world = tmp_path / "world.yml"
    world.write_text("colour: red\n", encoding="utf-8")
    for arguments, text in (
        (["--world", "nowhere", "--", "true"], "no world nowhere"),
        (["--world", str(world), "--", "true"], "the world: unknown key colour"),
        (["--world", "empty"], "run needs a command"),
    ):
        done = run("run", *arguments)
        assert done.returncode == 64 and text in done.stderr and "Traceback" not in done.stderr
    done = run("run", "--", "no-such-command-anywhere")
    assert (done.returncode, done.stderr) == (127, "emulator: no such command: no-such-command-anywhere\n")
    assert run("run", "--", str(tmp_path)).returncode == 126


def wait_for_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


# The process that runs the tests may ignore some signals (nohup, background jobs), and children inherit that.
SLEEPS = """
import os, signal, time
for number in (signal.SIGINT, signal.SIGHUP):
    signal.signal(number, signal.SIG_DFL)
print(os.getpid(), flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_is_passed_on_and_its_status_is_that_of_a_shell(number: signal.Signals) -> None:
    started = command("run", *python(SLEEPS))
    with subprocess.Popen(started, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as it:
        child = int(wait_for_line(it))
        it.send_signal(number)
        assert it.wait(timeout=30) == 128 + number
    assert not alive(child)


LEAVES_A_DAEMON = """
import os, signal, subprocess, sys, time
stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(60)"
for code in ("import time; print(1, flush=True); time.sleep(60)", stubborn):
    it = subprocess.Popen([sys.executable, "-c", code], start_new_session=True, stdout=subprocess.PIPE)
    it.stdout.readline()
    print(it.pid, end=" ", flush=True)
os._exit(0)
"""


def test_no_process_is_left_behind() -> None:
    done = run("run", *python(LEAVES_A_DAEMON))
    left = [int(word) for word in done.stdout.split()]
    assert done.returncode == 0 and len(left) == 2
    assert not any(alive(pid) for pid in left)


def test_two_runs_at_once_have_nothing_in_common() -> None:
    code = ASK + "import os; print(os.environ['AWS_ENDPOINT_URL'], os.environ['AWS_ACCESS_KEY_ID'], os.getpid())"
    runs = [
        subprocess.Popen(command("run", "--world", "demo", *python(code)), stdout=subprocess.PIPE, text=True)
        for unused in range(2)
    ]
    outputs = [it.communicate(timeout=60)[0].split() for it in runs]
    assert [it.returncode for it in runs] == [0, 0]
    assert [output[0] for output in outputs] == ["connected", "connected"]
    assert all(one != other for one, other in zip(outputs[0][1:], outputs[1][1:], strict=True))
    assert not any(alive(int(output[3])) for output in outputs)


def test_serve_prints_what_a_shell_needs_and_stops_when_told() -> None:
    it = subprocess.Popen(command("serve", "--world", "demo"), stdout=subprocess.PIPE, text=True)
    lines = []
    while not (line := wait_for_line(it)).startswith("#"):
        lines.append(line)
    assert lines[0].startswith("export AWS_ENDPOINT_URL=http://127.0.0.1:")
    ask = f"{'; '.join(lines)}; exec {sys.executable} -c '{ASK}'"
    done = subprocess.run(["sh", "-c", ask], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "connected\n"
    it.send_signal(signal.SIGTERM)
    assert it.wait(timeout=30) == 0
    assert it.stdout is not None
    it.stdout.close()


def test_routes_lists_what_is_served() -> None:
    lines = run("routes").stdout.splitlines()
    assert lines == sorted(lines) and "ssm GetConnectionStatus" in lines and "sts GetCallerIdentity" in lines


IMPORTS = """
from ansible_collections.sessionops.aws.tests.emulator.testing import LocalAWS
with LocalAWS("demo") as aws:
    print(aws.url)
"""


def test_it_imports_as_part_of_the_collection(tmp_path: Path) -> None:
    tree = tmp_path / "ansible_collections" / "sessionops"
    tree.mkdir(parents=True)
    (tree / "aws").symlink_to(EMULATOR.parents[1])
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        timeout=60,
        check=False,
    )
    assert done.stdout.startswith("http://127.0.0.1:"), done.stderr


def test_a_command_can_read_which_frames_there_were() -> None:
    code = """
import os, urllib.request
url = os.environ["AWS_ENDPOINT_URL"] + "/_emulator/frames"
request = urllib.request.Request(url, headers={"X-Emulator-Token": os.environ["EMULATOR_TOKEN"]})
print(urllib.request.urlopen(request, timeout=30).read().decode())
"""
    done = run("run", *python(code))
    assert (done.returncode, json.loads(done.stdout)) == (0, {"frames": []}), done.stderr

"""Whether another process is surely gone."""

import os
import subprocess
import sys

from adapters.runner.process import is_gone, this_process


def test_this_process_is_not_gone():
    assert not is_gone(this_process())


def test_a_process_that_ended_is_gone():
    code = "from adapters.runner.process import this_process; print(this_process())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert is_gone(done.stdout.strip())


def test_a_later_process_with_the_same_number_is_another():
    host, boot, _, start = this_process().split("/")
    assert is_gone(f"{host}/{boot}/{os.getpid()}/{int(start) + 1}")


def test_of_other_hosts_and_of_strange_names_nothing_is_known():
    assert not is_gone("elsewhere/boot/1/1")
    assert not is_gone("")
    assert not is_gone("elsewhere")

"""Takes each defence of the reading room out, one after another, and sees its test go red.

``python benchmarks/web_defences.py [NAME ...]``. Works on a copy; every line of the table is a defence, how it is
taken out, and the test that must fail then (docs/security.md). About ten seconds each.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]

#: Name, file below ``src/konio/web``, what stands there, what is put in its place, the test that goes red.
DEFENCES = [
    ("secret","settings.py","    _check_secret(settings.secret)\n","","test_settings.py::test_a_default_or_guessable_secret_is_refused"),
    ("address","settings.py","    _check_address(settings)\n","","test_settings.py::test_a_public_address_needs_tls_in_front_and_a_name"),
    ("private","settings.py","        _check_private(path)\n","        pass\n","test_settings.py::test_data_that_others_can_read_is_refused"),
    ("role","gate.py",'if route.access in ("reader", "administrator") and account.role != route.access','if False',"test_routes.py::test_everybody_meets_what_the_table_says[owner]"),
    ("owner","cases.py","        wanted = wanted.join(CaseReader, _is_mine(asker))\n    case = session","        pass\n    case = session","test_routes.py::test_what_is_somebody_elses_looks_like_what_does_not_exist[cases.show]"),
    ("jobowner","cases.py","        wanted = wanted.join(CaseReader, _is_mine(asker))\n    found = session","        pass\n    found = session","test_routes.py::test_what_is_somebody_elses_looks_like_what_does_not_exist[jobs.cancel]"),
    ("onetime","gate.py","if account.must_change and not route.before_password","if False","test_routes.py::test_a_one_time_password_opens_nothing_but_its_change"),
    ("csrf","gate.py","        _check_token(who)\n","        pass\n","test_routes.py::test_everybody_meets_what_the_table_says[no-token]"),
    ("origin","gate.py","    _check_origin(route)\n    return","    return","test_session.py::test_a_request_from_another_site_is_refused"),
    ("host","gate.py","    if name not in room.settings.allowed_hosts:","    if False:","test_session.py::test_a_foreign_host_name_is_refused"),
    ("throttle","views/session.py","    if not room.throttle.take(keys):\n        raise","    if False:\n        raise","test_session.py::test_of_a_flood_few_are_hashed_and_the_owner_gets_in"),
    ("device","throttle.py","        if hmac.compare_digest(device.encode(), self.device_token(name).encode()):","        if False:","test_session.py::test_of_a_flood_few_are_hashed_and_the_owner_gets_in"),
    ("nobody","views/session.py",'passwords.fits(body.password, known.password_hash if known else "")','bool(known) and passwords.fits(body.password, known.password_hash)',"test_session.py::test_a_name_that_does_not_exist_is_hashed_for_too"),
    ("disabled","views/session.py","not sound or known.disabled or","not sound or","test_session.py::test_every_failure_is_the_same"),
    ("bigbody","server.py","if fresh and self._refused():","if False:","test_server.py::test_a_large_body_to_another_address_is_refused"),
    ("chunked","server.py","and not self.chunked:","or self.chunked:","test_server.py::test_chunked_bodies_of_strangers_are_refused"),
    ("label","uploads.py","    return clean[:_NAME_LETTERS] if","    return name or 'film' if True else clean if","test_uploads.py::test_names_are_labels_and_never_paths"),
    ("bomb","uploads.py","            if problem is not None:","            if False:","test_uploads.py::test_a_zip_bomb_is_refused_before_it_grows"),
    ("overlap","uploads.py","        if offset + size > following:","        if False:","test_uploads.py::test_overlapping_members_and_passwords_are_refused"),
    ("liar","uploads.py","room.storage.receive(_blocks(stream), member.file_size)","room.storage.receive(_blocks(stream), 1<<40)","test_uploads.py::test_a_zip_that_lies_about_sizes_is_refused"),
    ("limit","storage.py","if incoming.size > limit:","if False:","test_uploads.py::test_too_much_is_refused_and_nothing_stays"),
    ("extra","shapes.py",'extra="forbid", strict=True','extra="ignore", strict=True',"test_readings.py::test_a_form_that_cannot_be_is_refused_with_the_place"),
    ("nul","gate.py","    if _has_surrogates(checked):","    if False:","test_readings.py::test_a_form_that_cannot_be_is_refused_with_the_place"),
    ("logs","app.py","route=request.url_rule.rule if request.url_rule else None","route=request.path","test_app.py::test_the_log_holds_no_names"),
    ("where","logs.py","    return f\"{type(error).__name__} in","    return f\"{error} {type(error).__name__} in","test_app.py::test_an_unexpected_error_shows_nothing_of_itself"),
    ("blind","cases.py","    return part is not None and part.signed is not None","    return True","test_readings.py::test_the_machine_waits_for_the_reader"),
    ("blindfilter","cases.py","        if room.settings.blind_first and not asker.is_administrator:","        if False:","test_readings.py::test_the_machine_waits_for_the_reader"),
    ("others","views/readings.py","        if mine or call.asker.is_administrator:","        if True:","test_readings.py::test_other_readers_wait_too"),
    ("chain","audit.py",'f"{before}\\n{content}"','content',"test_audit.py::test_any_edit_is_found"),
    ("sealedhead","audit.py","        if not hmac.compare_digest(head.seal, sealed):","        if False:","test_audit.py::test_any_edit_is_found"),
    ("fence","jobs.py",'return (Job.id == lease.job_id, Job.token == lease.token, Job.state == "running")','return (Job.id == lease.job_id, Job.state == "running")',"test_jobs.py::test_a_lease_that_ran_out_goes_to_the_next"),
    ("poison","jobs.py","elif job.deaths >= POISON_DEATHS","elif False","test_jobs.py::test_three_deaths_are_poison_and_a_retry_is_a_new_job"),
    ("flush","storage.py","                os.fsync(file.fileno())\n","                pass\n","test_uploads.py::test_bytes_are_flushed_before_they_are_acknowledged"),
    ("version","readings.py","    _check_version(before, body)\n","","test_readings.py::test_versions_are_added_and_never_overwritten"),
    ("escape","report.py","autoescape=True","autoescape=False","test_uploads.py::test_a_script_in_a_name_stays_text"),
    ("secondthoughts","agreement.py","select(Reading).where(Reading.before_machine.is_(True))","select(Reading)","test_agreement.py::test_the_machine_has_no_vote_not_even_through_second_thoughts"),
    ("lastadmin","accounts.py","    if not others:","    if False:","test_accounts.py::test_the_last_administrator_stays"),
    ("lanes","server.py","{UPLOADS: self._uploads, EVENTS: self._streams}","{EVENTS: self._streams}","test_server.py::test_health_does_not_wait_behind_uploads"),
    ("forged","throttle.py","        if hmac.compare_digest(device.encode(), self.device_token(name).encode()):","        if device:","test_session.py::test_a_forged_device_cookie_is_a_strangers"),
    ("totponce","totp.py","and counter > last:",":","test_session.py::test_one_time_codes_from_beginning_to_end"),
    ("rollback503","app.py","    if isinstance(error, GONE):","    if False:","test_app.py::test_a_database_that_is_away_is_said_and_health_stays"),
    ("died","worker.py","            except DiedError:\n","            except ArithmeticError:\n","test_cluster.py::test_a_film_whose_process_died_goes_back_at_once"),
    ("batch","cluster.py","len(busy) < min(self.engine.workers, _MOST)","len(busy) < 99","test_cluster.py::test_no_more_films_are_taken_than_there_is_room_for"),
    ("filmgone","assessing.py","        _check_there(path)\n","","test_cluster.py::test_a_machine_without_the_data_folder_is_no_fault_of_the_film"),
    ("brokewhere","cluster.py","raise BrokeError(said[\"broke\"])","raise KeyError(said[\"broke\"])","test_cluster.py::test_a_film_that_breaks_the_code_elsewhere_fails_and_the_log_says_where"),
    ("reserve","storage.py","if not self.has_room(len(chunk)):","if False:","test_uploads.py::test_films_leave_a_reserve_for_what_is_signed"),
    ("noroom","server.py","elif fresh and self.path == UPLOADS and not room.storage.has_room(self._needed()):","elif False:","test_server.py::test_an_upload_for_which_there_is_no_room_is_refused_before_it_is_taken"),
    ("spool","server.py","self.body_rcv.buf = _Spool(self.adj.inbuf_overflow, room.storage.incoming)","pass","test_server.py::test_large_bodies_wait_in_the_data_folder_and_leave_nothing"),
]  # fmt: skip


def copy(home: Path) -> None:
    """The checkout with a web room of its own; everything else is linked."""
    (home / "src" / "konio").mkdir(parents=True)
    for path in (ROOT / "src" / "konio").iterdir():
        place = home / "src" / "konio" / path.name
        if path.name == "web":
            shutil.copytree(path, place)
        else:
            place.symlink_to(path)
    for name in ("models", "tests", "pyproject.toml"):
        (home / name).symlink_to(ROOT / name)


def red(home: Path, file: str, old: str, new: str, test: str) -> str:
    """What became of the test without the defence."""
    path = home / "src" / "konio" / "web" / file
    text = path.read_text("utf-8")
    if old not in text:
        return "NOT FOUND in the code"
    path.write_text(text.replace(old, new, 1), "utf-8")
    done = subprocess.run(
        [sys.executable, "-P", "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", f"tests/web/{test}"],
        cwd=home, env={**os.environ, "PYTHONPATH": f"{home / 'src'}{os.pathsep}{home}"},
        capture_output=True, check=False,
    )  # fmt: skip
    return {0: "STILL GREEN", 1: "red"}.get(done.returncode, f"pytest ended with {done.returncode}")


def main(names: list[str]) -> int:
    """Exit status: 0 if every test went red."""
    wrong = 0
    for name, file, old, new, test in DEFENCES:
        if names and name not in names:
            continue
        with tempfile.TemporaryDirectory(prefix="konio-defence-") as folder:
            home = Path(folder)
            copy(home)
            found = red(home, file, old, new, test)
        wrong += found != "red"
        print(f"{name:16}{found:12}{test}", flush=True)
    print(f"{wrong} of the defences are not held by their test")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

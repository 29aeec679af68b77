"""Takes each defence of the reading room out, one after another, and sees its test go red.

``python benchmarks/web_defences.py [NAME ...]``. Works on a copy; every line of the table is a defence, how it is
taken out, and the test that must fail then (docs/security.md). About ten seconds each. ``rowlock`` needs PostgreSQL or
MariaDB on this machine: SQLite locks the whole file anyway.
"""

from __future__ import annotations

import os
import posixpath
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from _machine import machine

ROOT = Path(__file__).parents[1]

#: Name, file below ``src/konio/web``, what stands there, what is put in its place, the test below ``tests/web`` that
#: goes red. Files and tests of other packages begin with ``../``.
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
    ("chain","audit.py",'f"{before}\\n{content}"','content',"test_audit.py::test_a_line_of_another_history_does_not_fit"),
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
    ("totponce","totp.py","and counter > last:",":","test_session.py::test_a_code_counts_near_its_time_and_once"),
    ("rollback503","app.py","    if isinstance(error, GONE):","    if False:","test_app.py::test_a_database_that_is_away_is_said_and_health_stays"),
    ("died","worker.py","            except DiedError:\n","            except ArithmeticError:\n","test_cluster.py::test_a_film_whose_process_died_goes_back_at_once"),
    ("batch","cluster.py","len(busy) < min(self.engine.workers, _MOST)","len(busy) < 99","test_cluster.py::test_no_more_films_are_taken_than_there_is_room_for"),
    ("filmgone","assessing.py","        _check_there(path)\n","","test_cluster.py::test_a_machine_without_the_data_folder_is_no_fault_of_the_film"),
    ("brokewhere","cluster.py","raise BrokeError(said[\"broke\"])","raise KeyError(said[\"broke\"])","test_cluster.py::test_a_film_that_breaks_the_code_elsewhere_fails_and_the_log_says_where"),
    ("reserve","storage.py","if not self.has_room(len(chunk)):","if False:","test_uploads.py::test_films_leave_a_reserve_for_what_is_signed"),
    ("noroom","server.py","elif fresh and self.path == UPLOADS and not room.storage.has_room(self._needed()):","elif False:","test_server.py::test_an_upload_for_which_there_is_no_room_is_refused_before_it_is_taken"),
    ("spool","server.py","self.body_rcv.buf = _Spool(self.adj.inbuf_overflow, room.storage.incoming)","pass","test_server.py::test_large_bodies_wait_in_the_data_folder_and_leave_nothing"),
    ("repeats","settings.py","    if secret and len(set(secret)) < 8:","    if False:","test_settings.py::test_a_default_or_guessable_secret_is_refused"),
    ("names","settings.py","    if not settings.hosts:","    if False:","test_settings.py::test_a_public_address_needs_tls_in_front_and_a_name"),
    ("passwordfile","settings.py","        paths.append(file)\n","        pass\n","test_settings.py::test_a_settings_file_with_a_password_must_be_private"),
    ("datafolder","settings.py","settings.data.mkdir(mode=0o700, ","settings.data.mkdir(","test_settings.py::test_what_is_made_is_private"),
    ("keyfile","settings.py","os.O_EXCL, 0o600)","os.O_EXCL, 0o666)","test_settings.py::test_what_is_made_is_private"),
    ("databasefile","database.py","os.O_RDWR, 0o600)","os.O_RDWR, 0o666)","test_settings.py::test_what_is_made_is_private"),
    ("folders","storage.py","(self.root / name).mkdir(mode=0o700, ","(self.root / name).mkdir(","test_settings.py::test_what_is_made_is_private"),
    ("filmfile","storage.py","os.O_EXCL, 0o600)","os.O_EXCL, 0o666)","test_settings.py::test_what_is_made_is_private"),
    ("filmfolder","storage.py","place.parent.mkdir(mode=0o700, ","place.parent.mkdir(","test_settings.py::test_what_is_made_is_private"),
    ("unknown","settings.py",'frozen=True, extra="forbid"','frozen=True, extra="ignore"',"test_settings.py::test_what_makes_no_sense_is_refused"),
    ("range","settings.py","threads: int = Field(default=8, ge=2, le=64)","threads: int = 8","test_settings.py::test_what_makes_no_sense_is_refused"),
    ("newertables","database.py","        except CommandError as error:\n","        except CommandError as error:\n            return\n","test_settings.py::test_tables_of_a_newer_konio_are_refused"),
    ("backdoor","app.py","    add_front(app)\n",'    add_front(app)\n    app.add_url_rule("/api/door", "door", lambda: "", methods=["POST"])\n',"test_routes.py::test_every_rule_of_the_application_is_declared"),
    ("methods","app.py","methods=[route.method],",'methods=[route.method, "PUT"],',"test_routes.py::test_every_rule_of_the_application_is_declared"),
    ("options","app.py","provide_automatic_options=False,","","test_routes.py::test_every_rule_of_the_application_is_declared"),
    ("expired","sessions.py","now < row.expires and now","now","test_routes.py::test_everybody_meets_what_the_table_says[expired]"),
    ("barred","sessions.py","account.disabled or account.deleted or not","account.deleted or not","test_routes.py::test_everybody_meets_what_the_table_says[disabled]"),
    ("sessionowner","views/session.py","if row is None or row.account_id != call.asker.id:","if row is None:","test_routes.py::test_what_is_somebody_elses_looks_like_what_does_not_exist[session.revoke]"),
    ("disabling","accounts.py","    if loses or role is not None:\n","    if role is not None:\n","test_accounts.py::test_disabling_ends_sessions_at_once"),
    ("newrole","accounts.py","    if loses or role is not None:\n","    if disabled is True:\n","test_accounts.py::test_a_change_of_role_ends_sessions"),
    ("resetting","accounts.py","    account.must_change = True\n    end_sessions(session, account.id)\n","    account.must_change = True\n","test_accounts.py::test_resetting_ends_sessions_at_once"),
    ("deleting","accounts.py","    end_sessions(session, account.id)\n    session.execute(delete(Draft)","    session.execute(delete(Draft)","test_accounts.py::test_deleting_ends_sessions_at_once"),
    ("cost","passwords.py","time_cost=3, memory_cost=64 * 1024","time_cost=1, memory_cost=8 * 1024","test_session.py::test_the_hash_is_argon2id_with_the_cost_it_should_have"),
    ("argon2id","passwords.py","parallelism=1)",'parallelism=1, type=__import__("argon2").Type.I)',"test_session.py::test_the_hash_is_argon2id_with_the_cost_it_should_have"),
    ("twoatatime","passwords.py","    with _AT_A_TIME:\n        try:","    if True:\n        try:","test_session.py::test_only_two_passwords_are_hashed_at_a_time"),
    ("newhashes","passwords.py","    with _AT_A_TIME:\n        return _HASHER.hash","    if True:\n        return _HASHER.hash","test_session.py::test_only_two_passwords_are_hashed_at_a_time"),
    ("manynames","throttle.py",'            (self._hidden("address", address), ADDRESS),\n',"","test_session.py::test_a_flood_over_many_names_is_bounded_too"),
    ("manyplaces","throttle.py",'            (self._hidden("account", name), ACCOUNT),\n',"","test_session.py::test_a_flood_from_many_addresses_is_bounded_for_one_account"),
    ("recount","throttle.py","            if any(row.left < 1 for row in rows):","            if False:","test_databases.py::test_guesses_that_were_let_through_together_are_counted_again"),
    ("rowlock","throttle.py",".where(Bucket.key == name).with_for_update()",".where(Bucket.key == name)","test_databases.py::test_guesses_that_were_let_through_together_are_counted_again"),
    ("throttledsame","views/session.py",'    if not room.throttle.take(keys):\n        raise ProblemError("sign-in-failed")','    if not room.throttle.take(keys):\n        raise ProblemError("busy")',"test_session.py::test_of_a_flood_few_are_hashed_and_the_owner_gets_in"),
    ("code","views/session.py"," or not _second_factor(room, known, body.code):",":","test_session.py::test_every_failure_is_the_same"),
    ("codetwice","views/session.py","Account.id == account.id, Account.totp_last < step","Account.id == account.id","test_session.py::test_two_at_one_moment_cannot_use_one_code"),
    ("codekey","totp.py",'hmac.new(key, f"totp','hmac.new(b"konio", f"totp',"test_session.py::test_secrets_of_codes_follow_from_the_key"),
    ("httponly","views/session.py","httponly=True","httponly=False","test_session.py::test_signing_in_and_out"),
    ("samesite","views/session.py",'samesite="Strict"','samesite="Lax"',"test_session.py::test_signing_in_and_out"),
    ("secure","views/session.py","secure=room.settings.secure","secure=False","test_session.py::test_behind_tls_the_cookie_is_secure"),
    ("hashedtoken","sessions.py","    return hashlib.sha256(token.encode()).hexdigest()\n","    return token\n","test_session.py::test_the_database_holds_no_usable_token"),
    ("signout","views/session.py","        if row is not None:\n            session.delete(row)\n","","test_session.py::test_signing_in_and_out"),
    ("age","sessions.py","now < row.expires and now","now","test_session.py::test_sessions_end_by_age_by_idling_and_by_hand"),
    ("idling","sessions.py","now < row.expires and now - row.last_seen < idle","now < row.expires","test_session.py::test_sessions_end_by_age_by_idling_and_by_hand"),
    ("byhand","views/session.py",'        session.delete(row)\n        call.room.audit.append(session, "session.revoked"','        call.room.audit.append(session, "session.revoked"',"test_session.py::test_sessions_end_by_age_by_idling_and_by_hand"),
    ("forgedcookie","sessions.py","        if not self.signed(cookie):","        if False:","test_session.py::test_a_cookie_we_did_not_sign_is_nobodys"),
    ("stranger","server.py",'self.path != UPLOADS or not _signed(room, self.headers.get("COOKIE", ""))',"self.path != UPLOADS","test_server.py::test_a_large_body_of_a_stranger_is_refused_before_it_is_taken"),
    ("paths","app.py","        gate.check_path(path)\n","","test_routes.py::test_names_and_numbers_that_cannot_be_lead_nowhere"),
    ("numbers","gate.py","value <= _LARGEST if","True if","test_routes.py::test_what_cannot_be_is_known_before_a_database_is_asked"),
    ("letters","gate.py","else _NAME.fullmatch(value)","else True","test_routes.py::test_what_cannot_be_is_known_before_a_database_is_asked"),
    ("leftover","storage.py","            path.unlink(missing_ok=True)\n","            pass\n","test_uploads.py::test_too_much_is_refused_and_nothing_stays"),
    ("pictures","assessing.py","make_pictures(image, storage.pictures(sha256))",'make_pictures(image, storage.root / "pictures" / Path(header["patient_id"]).name)',"test_hostile.py::test_path_names_and_scripts_in_a_header_stay_text"),
    ("reportescape","report.py","autoescape=True","autoescape=False","test_hostile.py::test_path_names_and_scripts_in_a_header_stay_text"),
    ("headerletters","assessing.py","for letter in value if letter.isprintable()","for letter in value","test_assessing.py::test_hostile_headers_say_nothing_harmful"),
    ("place","storage.py","        if not _SHA256.fullmatch(sha256):","        if False:","test_uploads.py::test_a_place_is_named_by_hash_only"),
    ("printable","uploads.py","for letter in last if letter.isprintable()","for letter in last","test_uploads.py::test_any_name_becomes_a_short_label_without_a_way_out"),
    ("members","uploads.py","    if len(members) > room.settings.zip_films:","    if False:","test_uploads.py::test_a_zip_with_too_many_members_is_refused"),
    ("zippassword","uploads.py","    if member.flag_bits & 0x1:","    if False:","test_uploads.py::test_overlapping_members_and_passwords_are_refused"),
    ("zipinzip","uploads.py","            if incoming.head.startswith(_ZIP_STARTS):\n                yield","            if False:\n                yield","test_uploads.py::test_a_zip_gives_its_films_and_its_refusals"),
    ("damagedzip","uploads.py","    except (zipfile.BadZipFile, ValueError, UnicodeDecodeError, RuntimeError) as error:","    except ArithmeticError as error:","test_uploads.py::test_a_damaged_zip_is_an_answer_and_no_crash"),
    ("child","../io/decoder.py","        return _image(name, self.ask(name))\n","        from konio.io.film import open_film\n\n        film = open_film(name, lambda size: memoryview(bytearray(size)))\n        return _image(name, Answer(film.pixels, film.facts()))\n","../io/test_decoder.py::test_a_child_that_misbehaves_costs_one_film"),
    ("childtime","../io/process.py","self._receive(self._limits.seconds)","self._receive(20 * self._limits.seconds)","../io/test_decoder.py::test_a_child_that_misbehaves_costs_one_film"),
    ("childmemory","../io/child.py","    _limit_memory(memory_bytes)\n","","../io/test_decoder.py::test_a_child_that_misbehaves_costs_one_film"),
    ("childanew","../io/decoder.py","                self._replace()  # crashed","                pass  # crashed","../io/test_decoder.py::test_an_interrupted_question_is_not_answered_to_the_next"),
    ("manypixels","../io/sizes.py","    if rows * columns > MAX_PIXELS:","    if False:","../io/test_film.py::test_large_pictures_are_refused_by_their_header"),
    ("ownrefusal","assessing.py","        except RefusedError as refusal:","        except ArithmeticError as refusal:","test_hostile.py::test_no_film_ends_the_worker_and_every_refusal_is_the_readers_own"),
    ("oddheader","assessing.py","    except (InvalidDicomError, OSError, ValueError,","    except (ZeroDivisionError,","test_assessing.py::test_hostile_headers_say_nothing_harmful"),
    ("nextfilm","worker.py","            except Exception as error:","            except LookupError as error:","test_jobs.py::test_a_film_that_breaks_the_code_fails_and_the_next_goes_on"),
    ("flushfolder","storage.py","                _flush_folder(place.parent)\n","","test_uploads.py::test_bytes_are_flushed_before_they_are_acknowledged"),
    ("flushabove","storage.py","                _flush_folder(place.parent.parent)\n","","test_uploads.py::test_bytes_are_flushed_before_they_are_acknowledged"),
    ("synchronous","database.py",'"synchronous=FULL"','"synchronous=NORMAL"',"test_uploads.py::test_the_database_flushes_what_it_commits"),
    ("fulldisk","storage.py","    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):","    if False:","test_uploads.py::test_a_full_disk_is_said_and_nothing_stays"),
    ("halfwritten","storage.py","            path.unlink(missing_ok=True)\n","            pass\n","test_uploads.py::test_a_full_disk_is_said_and_nothing_stays"),
    ("realfull","storage.py","        except OSError as error:\n            raise _full(error) from error\n\n    def keep","        except ArithmeticError as error:\n            raise _full(error) from error\n\n    def keep","test_uploads.py::test_a_real_full_file_system"),
    ("fulldatabase","app.py","DiskFullError) or is_full(error):","DiskFullError):","test_uploads.py::test_a_disk_that_is_full_for_the_database_is_said_and_goes_on_afterwards"),
    ("fullpictures","pictures.py","    with full_disk():\n","    if True:\n","test_uploads.py::test_pictures_for_which_there_is_no_room_are_a_full_disk"),
    ("fullbody","server.py","            except OSError:  # no room","            except ArithmeticError:  # no room","test_server.py::test_a_disk_that_fills_while_a_body_comes_in_is_said"),
    ("scripts","app.py","\"script-src 'self'\"","\"script-src 'self' 'unsafe-inline'\"","test_server.py::test_health_and_headers"),
    ("nosniff","app.py",'    "X-Content-Type-Options": "nosniff",\n',"","test_server.py::test_health_and_headers"),
    ("reportpolicy","views/films.py",'    answer.headers["Content-Security-Policy"] = report.POLICY\n',"","test_uploads.py::test_a_script_in_a_name_stays_text"),
    ("search","cases.py",'    for letter in "!%_":','    for letter in "":',"test_app.py::test_the_work_list_searches_filters_sorts_and_pages"),
    ("sort","shapes.py",'    sort: SortKey = "received"','    sort: str = "received"',"test_app.py::test_the_work_list_searches_filters_sorts_and_pages"),
    ("sentence","app.py",'    return ProblemError("failed")\n','    return ProblemError("invalid", str(error))\n',"test_app.py::test_an_unexpected_error_shows_nothing_of_itself"),
    ("requestnumber","app.py",'    answer.headers["X-Request-Id"] = g.request_id\n',"","test_app.py::test_an_unexpected_error_shows_nothing_of_itself"),
    ("nostore","app.py",'    "Cache-Control": "no-store",\n',"","test_server.py::test_health_and_headers"),
    ("filmplace","assessing.py",'    document["input"]["path"] = ""',"    pass","test_hostile.py::test_path_names_and_scripts_in_a_header_stay_text"),
    ("whosigned","cases.py","part.signed is not None if is_open or account.id == asker.id else None","part.signed is not None","test_readings.py::test_other_readers_wait_too"),
    ("consensus","views/readings.py","_consensus(session, found, names) if mine or call.asker.is_administrator else None","_consensus(session, found, names)","test_readings.py::test_other_readers_wait_too"),
    ("order","proof.py","    broken = []\n",'    broken = []\n    signed |= {(e.account_id, e.case_id) for e in audit.events(session) if e.action == "reading.signed"}\n',"test_readings.py::test_the_log_proves_the_order"),
    ("shown","views/films.py",'    call.room.audit.append(session, "machine.shown", call.asker.id, case.id, result=case.result_id)\n',"","test_readings.py::test_the_log_proves_the_order"),
    ("digest","readings.py",'        "stage": reading.stage,\n        "clause"','        "clause"',"test_readings.py::test_a_changed_reading_is_found"),
    ("previous","readings.py","previous_sha256=None if before is None else before.sha256","previous_sha256=None","test_readings.py::test_versions_are_added_and_never_overwritten"),
    ("onetransaction","jobs.py","            case.status = state\n            write","            case.status = state\n            session.commit()\n            write","test_jobs.py::test_a_result_and_the_end_of_its_job_are_one_transaction"),
    ("reclaim","jobs.py","        self.reclaim()\n","","test_jobs.py::test_a_lease_that_ran_out_goes_to_the_next"),
    ("diskwaits","worker.py","            except DiskFullError:\n                log","            except ArithmeticError:\n                log","test_jobs.py::test_a_film_waits_while_the_disk_is_full"),
    ("patience","worker.py","                return act()\n            except GONE:","                return act()\n            except ArithmeticError:","test_jobs.py::test_the_result_waits_for_a_database_that_is_away"),
    ("nostorefilm","app.py",'    if request.endpoint != "front.page":','    if False:',"test_app.py::test_nothing_about_a_case_is_cached"),
    ("leftopen","gate.py","    nobody = route.unasked or UNATTENDED_HEADER in request.headers\n","    nobody = False\n","test_session.py::test_a_page_that_is_left_open_does_not_keep_its_session"),
    ("newhash","readings.py","        != (row.sha256, row.before_machine)\n        or not _sound(row)","        != (row.sha256, row.before_machine)\n        and not _sound(row)","test_readings.py::test_a_reading_whose_hash_was_made_anew_or_that_is_gone_is_found"),
    ("derived","readings.py","    return digest(reading) == reading.sha256 and derived == (reading.profusion, reading.large)","    return digest(reading) == reading.sha256","test_readings.py::test_a_changed_reading_is_found"),
    ("gonereading","readings.py","for key, (line, *_) in _signed(session).items() if key not in kept]","for key, (line, *_) in _signed(session).items() if False]","test_readings.py::test_a_reading_whose_hash_was_made_anew_or_that_is_gone_is_found"),
    ("pagesverify","proof.py",'    problems += [f"reading {n} is not as it was signed" for n in readings.altered(session)]\n',"","test_readings.py::test_a_reading_whose_hash_was_made_anew_or_that_is_gone_is_found"),
]  # fmt: skip


def below(folder: str, path: str) -> str:
    """A path that was given below ``folder``, without ``..``."""
    return posixpath.normpath(f"{folder}/{path}")


def copy(home: Path, package: str) -> None:
    """The checkout with one package of its own; everything else is linked."""
    (home / "src" / "konio").mkdir(parents=True)
    for path in (ROOT / "src" / "konio").iterdir():
        place = home / "src" / "konio" / path.name
        if path.name == package:
            shutil.copytree(path, place)
        else:
            place.symlink_to(path)
    for name in ("models", "tests", "pyproject.toml"):
        (home / name).symlink_to(ROOT / name)


def red(home: Path, file: str, old: str, new: str, test: str) -> str:
    """What became of the test without the defence."""
    path = home / "src" / "konio" / file
    text = path.read_text("utf-8")
    if old not in text:
        return "NOT FOUND in the code"
    path.write_text(text.replace(old, new, 1), "utf-8")
    done = subprocess.run(
        [sys.executable, "-P", "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", below("tests/web", test)],
        cwd=home, env={**os.environ, "PYTHONPATH": f"{home / 'src'}{os.pathsep}{home}"},
        capture_output=True, check=False,
    )  # fmt: skip
    return {0: "STILL GREEN", 1: "red"}.get(done.returncode, f"pytest ended with {done.returncode}")


def main(names: list[str]) -> int:
    """Exit status: 0 if every test went red."""
    print(machine())
    wrong = 0
    for name, file, old, new, test in DEFENCES:
        if names and name not in names:
            continue
        with tempfile.TemporaryDirectory(prefix="konio-defence-") as folder:
            home, place = Path(folder), below("web", file)
            copy(home, place.partition("/")[0])
            found = red(home, place, old, new, test)
        wrong += found != "red"
        print(f"{name:16}{found:12}{test}", flush=True)
    print(f"{wrong} of the defences are not held by their test")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""A run: its identity, its answers and their scores.

`run.json` describes the run and `ids.json` lists its samples. `records.jsonl` gets one line per answer; the last line
of an id counts. If several processes share a run, each writes a `records-RANK.jsonl`. All other files can be made from
these: `scores.json` names the records it was made from, and is not valid for others. A Run reads each file once; open
it again to see what other processes have written since.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmeval.files import read_json, validated
from mmeval.runs import files, marks, records
from mmeval.runs.records import Journal, JournalContents
from mmeval.runs.schema import SCHEMA, Header, Results, SampleScores, ScoredRecords, to_json
from mmeval.runs.share import WHOLE, Share
from mmeval.spec import RunSpec
from mmeval.types import InputError, Record, Score, Session, plural

if TYPE_CHECKING:
    import pandas as pd

_SPEC = {field.name for field in fields(RunSpec)}


class Run:
    """A run on disk. Open one with `create` or `open_run`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @cached_property
    def header(self) -> Header:
        """Return the contents of `run.json`. Raises InputError if it is not a run's header."""
        return files.read_header(self.folder)

    @property
    def identity(self) -> dict[str, Any]:
        """Return the values that identify the run; a run with any other value is another run."""
        return dict(self.header.identity)

    @cached_property
    def spec(self) -> RunSpec:
        """Return the run's settings with every default filled in; names have no folders."""
        values = {name: value for name, value in self.identity.items() if name in _SPEC}
        if not isinstance(values.get("task"), str) or not isinstance(values.get("model"), str):
            raise InputError(f"{self.folder / 'run.json'}: its identity lacks task or model; name another folder")
        try:
            return RunSpec(**values)
        except InputError as error:
            raise InputError(f"{self.folder / 'run.json'}, identity: {error}; name another folder") from error

    @property
    def sessions(self) -> Sequence[Session]:
        """Return the versions and machine of each session: the start and each resume."""
        return self.header.sessions

    @cached_property
    def planned(self) -> frozenset[str] | None:
        """Return the ids of the run's samples; None for a run of mmeval 0.1, which kept no list."""
        if self.header.schema != SCHEMA:
            return None
        path, advice = self.folder / "ids.json", "restore the file, or start over with --fresh"
        ids = read_json(path, advice).get("ids")
        return frozenset(validated(list[str], ids, str(path), advice))

    @cached_property
    def journal_contents(self) -> JournalContents:
        """Return the records. Raises InputError naming a line that is not a record."""
        return records.read(self.folder, self.planned)

    @property
    def records(self) -> list[Record]:
        """Return the last record of each planned id, ordered by first answer."""
        return list(self.journal_contents.by_id.values())

    @property
    def samples_planned(self) -> int:
        """Return the number of samples in the run."""
        return self.header.samples

    @property
    def samples_answered(self) -> int:
        """Return the number of samples that have an answer that is not an error."""
        return sum(record.error is None for record in self.journal_contents.by_id.values())

    @property
    def samples_asked(self) -> int:
        """Return the number of samples that have an answer or an error."""
        return len(self.journal_contents.by_id)

    @property
    def up_to_date(self) -> bool:
        """Tell whether the scores are of the current records."""
        return bool(self._stored.get("records") == to_json(self._scored))

    @property
    def complete(self) -> bool:
        """Tell whether every sample has an answer that is not an error."""
        return self.samples_answered == self.samples_planned

    @property
    def marks(self) -> list[str]:
        """Return how the run differs from a complete one on the benchmark's data, as shown in every output."""
        return marks.of_run(self.spec, self.header, self.samples_asked, self.samples_answered)

    @property
    def remarks(self) -> list[str]:
        """Return remarks on records that do not count."""
        contents, remarks = self.journal_contents, []
        if contents.unknown:
            remarks.append(f"Records of questions that are not in this run: {contents.unknown:,}. They do not count.")
        if contents.repeated:
            remarks.append(f"Questions answered more than once: {contents.repeated:,}. The last answer of each counts.")
        if contents.truncated:
            remarks.append("The last line of records.jsonl is truncated and does not count; repeat the command.")
        return remarks

    @property
    def answered(self) -> str:
        """Return `n of N questions answered`."""
        return f"{self.samples_answered:,} of {plural(self.samples_planned, 'question')} answered"

    @cached_property
    def results(self) -> Results:
        """Return the contents of `scores.json`. Raises InputError if it is not of the current records."""
        advice = "score the run first: mmeval score RUN"
        results = files.read_results(self.folder, advice)
        if results.records != self._scored:
            raise InputError(f"{self.folder / 'scores.json'}: the records have changed since it was written; {advice}")
        return results

    @property
    def stale(self) -> bool:
        """Tell whether the run has answers but no scores, or scores without a judge that are of other records."""
        if not (stored := self._stored):
            return bool(self.records)
        return "judge" not in stored and stored.get("records") != to_json(self._scored)

    @property
    def _stored(self) -> dict[str, Any]:
        path = self.folder / "scores.json"
        return read_json(path, "score the run again: mmeval score RUN") if path.exists() else {}

    @property
    def _scored(self) -> ScoredRecords:
        return ScoredRecords(len(self.journal_contents.by_id), self.journal_contents.digest)

    @property
    def scores(self) -> pd.DataFrame:
        """Return a row per metric: value, low, high, n, full_marks, chance, reason (why there is no value), strict."""
        import pandas as pd

        frame = pd.DataFrame.from_dict(to_json(self.results.metrics), orient="index")
        if strict := self.results.strict:
            frame["strict"] = pd.Series({name: estimate.value for name, estimate in strict.items()})
        frame.index.name = "metric"
        return frame

    @property
    def samples(self) -> pd.DataFrame:
        """Return a row per sample, indexed by id: category, groups, and each scorer's outcome, value and parsed answer.

        The columns of the headline scorer have no prefix; other scorers' columns do, such as `strict_outcome`.
        Raises InputError if the run is not scored.
        """
        import pandas as pd

        rows = []
        for sample in self._sample_scores:
            first, *others = sample.scores.items()
            row = {"id": sample.id, "category": sample.category, **sample.groups, **to_json(first[1])}
            for name, score in others:
                row |= {f"{name}_{key}": value for key, value in to_json(score).items()}
            rows.append(row)
        return pd.DataFrame(rows, columns=None if rows else ["id"]).set_index("id")

    @cached_property
    def scored(self) -> dict[str, dict[str, Score]]:
        """Return each sample's score under every scorer, headline first, by id. Raises InputError as `judged` does."""
        return files.scores_by_id(self._sample_scores)

    @property
    def judged(self) -> dict[str, Score]:
        """Return the headline scorer's score of each sample, by id. Raises InputError if the run is not scored."""
        return {id: next(iter(scores.values())) for id, scores in self.scored.items()}

    @property
    def _sample_scores(self) -> list[SampleScores]:
        _ = self.results  # raises if the scores are of other records
        path, advice = self.folder / "samples.jsonl", "score the run first: mmeval score RUN"
        samples = files.read_samples(path, advice)
        if {sample.id for sample in samples} != self.journal_contents.by_id.keys():
            raise InputError(f"{path}: its samples differ from those of the records; {advice}")
        return samples

    def note(self, session: Session, header: Header | None = None) -> None:
        """Add this session to `run.json`, or to a header that replaces it."""
        header = header or self.header
        self._write(replace(header, sessions=(*header.sessions, session)))

    def note_facts(self, facts: Mapping[str, Any], share: Share = WHOLE) -> None:
        """Add what an adapter says of this session, such as its requests. Other processes may have added theirs."""
        session = self.header.sessions[-1]
        with records.held(self.folder, share):
            header = files.read_header(self.folder)
            sessions = list(header.sessions)
            sessions[sessions.index(session)] = files.with_facts(session, facts)
            self._write(replace(header, sessions=tuple(sessions)))

    def _write(self, header: Header) -> None:
        files.write_header(self.folder, header)
        self.header = header

    def save(self, results: Results, samples: Sequence[SampleScores]) -> None:
        """Write the scores, and each sample's scores."""
        files.write_samples(self.folder / "samples.jsonl", samples)
        results = replace(results, records=self._scored)
        files.write_results(self.folder, results)
        self.scored = files.scores_by_id(samples)
        self.results = results

    @contextmanager
    def journal(self, share: Share = WHOLE) -> Iterator[Journal]:
        """Open this process's journal for appending, locked. Raises as `records.opened` does."""
        with records.opened(self.folder, share) as journal:
            self.__dict__.pop("journal_contents", None)  # another process may have resumed the run
            yield journal
        self.__dict__.pop("journal_contents", None)


def open_run(folder: str | Path) -> Run:
    """Open the run in the folder. Raises InputError if there is none."""
    run = Run(Path(folder))
    if not run.folder.is_dir():
        raise InputError(f"{folder}: no such run folder; `mmeval run` creates one")
    _ = run.spec
    return run

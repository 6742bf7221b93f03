"""What a train statement asks to be fitted, and everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mlsql.bridge.errors import OptionFault
from mlsql.bridge.request import Candidate
from mlsql.bridge.trainer import Trainer, candidate_faults
from mlsql.errors import ScriptErrors
from mlsql.models.manifest import Column
from mlsql.options import Options, OptionText, is_filled
from mlsql.session import Run
from mlsql.stages.algorithms.base import Call
from mlsql.stages.algorithms.candidates import FAMILY, read_candidates
from mlsql.stages.algorithms.columns import EVALUATE
from mlsql.stages.algorithms.equipment import with_resources
from mlsql.stages.algorithms.external_options import SCRIPT_PATH, SCRIPTS, ExternalOptions
from mlsql.stages.algorithms.initial import initial_faults
from mlsql.stages.algorithms.old_names import modern_params, placed_at_class
from mlsql.stages.algorithms.own_code import (
    is_unread,
    names_script,
    placed_at_script,
    script_params,
    smuggled_script,
    unread_script,
    with_script,
)
from mlsql.stages.algorithms.tuning import TuningOptions, check_tuning, metric_faults, tuning_of


@dataclass(frozen=True, slots=True)
class CandidateReader:
    """Reads the candidates for the trainer called *name*."""

    name: str
    trainer: Trainer
    takes_script: bool = False

    def check(self, given: Options) -> None:
        """Raise what is known to be wrong before there is a table, or a script.

        Options of a search that cannot be read have been told before.
        """
        options = tuning_of(given, self.name)
        if options is None:
            return
        check_tuning(options, given, evaluates=EVALUATE in given)
        params = {key.removeprefix(FAMILY): text for key, text in given.items() if key.startswith(FAMILY)}
        if self.is_scripted(given):
            candidates = unread_script(self._read(options, params), given)
        else:
            candidates = self._read(options, modern_params(params))
        faults = self._faults(options, candidates, given)
        _raise([each for each in faults if each.option not in given or is_filled(given[each.option].text)])

    def read(self, call: Call[ExternalOptions], label: Column | None, run: Run) -> tuple[Candidate, ...]:
        """What is to be fitted or judged, once nothing is wrong with it; *label* is the column's."""
        candidates = self._read(call.options, call.options.params)
        if self.is_scripted(call.given):
            candidates = with_script(candidates, script_params(call.options, call.given, run), label)
        candidates = with_resources(candidates, call.given, run)
        _raise(self._faults(call.options, candidates, call.given))
        return candidates

    def is_scripted(self, given: Options) -> bool:
        """Whether the statement names a script; OptionFault where the trainer takes none."""
        if not names_script(given):
            return False
        if not self.takes_script:
            option = SCRIPT_PATH if SCRIPT_PATH in given else SCRIPTS
            hint = "PythonAlg runs it: train … as PythonAlg.`…`"
            raise OptionFault(f"{self.name} takes no script", option=option, hint=hint)
        return True

    def _read(self, options: TuningOptions, params: Mapping[str, OptionText]) -> tuple[Candidate, ...]:
        candidates = read_candidates(params, self.trainer.takes_list, options.random_search)
        fault = smuggled_script(candidates)
        if fault is not None:
            raise fault
        return candidates

    def _faults(
        self, options: TuningOptions, candidates: Sequence[Candidate], given: Options
    ) -> list[OptionFault]:
        """What is wrong with the candidates, each at the option that the statement has."""
        faults = candidate_faults(self.trainer, candidates)
        if not faults and not is_unread(candidates):
            faults = metric_faults(options, self.trainer.kind(candidates[0].params))
        faults = faults or initial_faults(self.trainer, candidates, given)
        return [placed_at_class(each, given) for each in placed_at_script(faults, given)]


def _raise(faults: Sequence[OptionFault]) -> None:
    if faults:
        raise faults[0] if len(faults) == 1 else ScriptErrors(faults)

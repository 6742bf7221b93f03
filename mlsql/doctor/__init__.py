"""What a machine needs to run scripts, checked one by one, each with what to do."""

from mlsql.doctor.examination import Check, Finding, Outcome, examine
from mlsql.doctor.machine import MACHINE_CHECKS
from mlsql.doctor.services import SERVICE_CHECKS
from mlsql.doctor.spark import SPARK_CHECKS

__all__ = ["MACHINE_CHECKS", "SERVICE_CHECKS", "SPARK_CHECKS", "Check", "Finding", "Outcome", "examine"]

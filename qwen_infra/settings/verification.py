"""The key ``verification``."""

from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, Field, model_validator

from qwen_infra.settings.base import Settings, read_level_alone
from qwen_infra.settings.cron import CRON_PATTERN, check_cron

__all__ = ["ScheduleSettings", "VerificationSettings"]


def _check_time_zone(name: str) -> str:
    if available_timezones():  # empty where the machine has no time zone data; the cluster then judges alone
        try:
            ZoneInfo(name)
        except (OSError, ValueError, KeyError) as error:
            raise ValueError(f"{name!r} is no time zone, such as Etc/UTC or Europe/Berlin") from error
    return name


def _may_be_cron_alone(schema: dict[str, Any]) -> None:
    schema["anyOf"] = [{"type": "string", "pattern": CRON_PATTERN}, *schema["anyOf"]]


Cron = Annotated[str, AfterValidator(check_cron), Field(json_schema_extra={"pattern": CRON_PATTERN})]
TimeZone = Annotated[str, Field(min_length=1), AfterValidator(_check_time_zone)]


class ScheduleSettings(Settings):
    """When a CronJob in the cluster runs the suite against the Service; its cron expression may stand alone."""

    cron: Cron = Field(description="When, such as `0 4 * * *` (daily at four) or `@hourly`.")
    time_zone: TimeZone = Field("Etc/UTC", description="Time zone of `cron`.")
    level: Literal["smoke", "full", "soak"] = Field("full", description="How much, as for verification.level.")
    timeout_minutes: int = Field(30, ge=1, le=1440, description="After this a run is ended and has failed.")
    keep: int = Field(3, ge=1, le=50, description="How many passed and how many failed runs the cluster keeps.")


class VerificationSettings(Settings):
    """Which verification runs after every change of the server, and on a schedule.

    ``off``, ``smoke``, ``full`` or ``soak`` alone stand for the level with everything else left as it is.
    """

    level: Literal["off", "smoke", "full", "soak"] = Field(
        "full", description="off; smoke: the reference's requests; full: every case; soak: every case, repeated."
    )
    include: tuple[str, ...] = Field((), description="Only these cases; ids or patterns such as tools-*.")
    exclude: tuple[str, ...] = Field((), description="None of these cases; ids or patterns such as tools-*.")
    soak_minutes: int = Field(10, ge=1, le=600, description="How long the level soak repeats the cases.")
    schedule: ScheduleSettings | None = Field(
        None,
        description="Runs the suite inside the cluster too, again and again, such as `0 4 * * *`; default: never.",
        json_schema_extra=_may_be_cron_alone,
    )

    @model_validator(mode="before")
    @classmethod
    def _read_level_alone(cls, values: Any) -> Any:
        found = read_level_alone(values, "level")
        if isinstance(found, dict) and isinstance(found.get("schedule"), str):
            return {**found, "schedule": {"cron": found["schedule"]}}
        return found

    @model_validator(mode="after")
    def _soak_ends_in_time(self) -> "VerificationSettings":
        plan = self.schedule
        if plan is not None and plan.level == "soak" and plan.timeout_minutes <= self.soak_minutes:
            raise ValueError(
                f"schedule.timeoutMinutes {plan.timeout_minutes} ends a soak of soakMinutes {self.soak_minutes}; "
                f"give it at least {self.soak_minutes + 5}"
            )
        return self

"""`Acceptance`: one party's signature under one exact report: cut the system over, or release its original."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from controllers.api.customresource import AGE, Column, CustomResource, Rule, with_rules
from controllers.api.fields import LongText, ObjectName, UserName
from infra.wire import WireModel


class Verdict(StrEnum):
    """What a party says."""

    ACCEPTED = "Accepted"
    REJECTED = "Rejected"


class Subject(StrEnum):
    """What it says it of."""

    TRIAL = "Trial"
    RELEASE = "Release"


class AcceptanceSpec(WireModel):
    """A signature. Whose it is says the API server, never text."""

    model_config = ConfigDict(
        json_schema_extra=with_rules(
            Rule("self == oldSelf", "a signature cannot be changed; make a new one", reason="FieldValueForbidden"),
            Rule(
                "self.decision != 'Rejected' || self.reason.trim() != ''",
                "a rejection must state a `reason`, so that the others know what to change",
                field=".reason",
            ),
        )
    )

    report: Annotated[
        str,
        Field(
            max_length=63,
            pattern=r"^[a-z]([-a-z0-9]*[a-z0-9])?-[0-9a-f]{10}$",
            description="Name of the TrialReport: the newest of its cutover.",
        ),
    ]
    digest: Annotated[
        str,
        Field(
            max_length=64,
            pattern=r"^[0-9a-f]{64}$",
            description="Digest of the report that was read.",
        ),
    ]
    of: Annotated[
        Subject,
        Field(description="Trial: the system may be cut over. Release: the original may go, after its retention."),
    ] = Subject.TRIAL
    party: Annotated[ObjectName, Field(description="For whom: department, provider, or another of the procedure.")]
    decision: Annotated[Verdict, Field(description="Accepted or Rejected.")]
    reason: Annotated[LongText, Field(description="Why; required for a rejection.")] = ""
    signer: Annotated[
        UserName, Field(description="The authenticated user who signs. Stamped by the API server; leave it out.")
    ]
    signer_groups: Annotated[
        tuple[Annotated[str, Field(max_length=253)], ...],
        Field(max_length=64, description="Groups of the signer. Stamped by the API server; leave it out."),
    ] = ()


RESOURCE = CustomResource(
    kind="Acceptance",
    plural="acceptances",
    short_names=("acc",),
    description="One party's signature under one exact trial report. It cannot be changed.",
    scope="Namespaced",
    spec=AcceptanceSpec,
    status=None,
    selectable=(".spec.report", ".spec.party"),
    columns=(
        Column("Report", ".spec.report"),
        Column("Of", ".spec.of"),
        Column("Party", ".spec.party"),
        Column("Decision", ".spec.decision"),
        Column("Signer", ".spec.signer"),
        AGE,
        Column("Why", ".spec.reason", wide=True),
    ),
)

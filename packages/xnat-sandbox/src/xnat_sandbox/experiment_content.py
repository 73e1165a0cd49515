"""What an XML document of a session brings along: scans, assessors, reconstructions."""

from __future__ import annotations

from .context import Context
from .item_xml import Parsed
from .model import Experiment, Fields, Owner

OWN = ("ID", "label", "project", "image_session_ID", "imageSession_ID", "xnat_imagescandata_id")


def add_content(context: Context, session: Experiment, sent: Parsed) -> None:
    """Add or change what the document lists; what it does not list stays."""
    items, user = context.store.items, context.login
    for sent_scan in sent.below("scans/scan"):
        id = sent_scan.take("ID")
        fields = _plain(sent_scan)
        scan = items.scan(session.id, id)
        if scan:
            items.update_scan(scan.number, fields=fields, user=user)
        else:
            type = sent_scan.xsi_type or session.xsi_type.replace("SessionData", "ScanData")
            scan = items.create_scan(session.id, id, type, fields=fields, user=user)
        add_resources(context, Owner.of(scan), sent_scan, "file")
    for sent_assessor in sent.below("assessors/assessor"):
        label = sent_assessor.take("label") or sent_assessor.take("ID")
        if items.experiment_in(session.project, label) is None:
            items.create_experiment(
                session.project,
                label,
                sent_assessor.xsi_type,
                session_id=session.id,
                fields=_plain(sent_assessor),
                user=user,
            )
    for sent_image in sent.below("reconstructions/reconstructedImage"):
        id = sent_image.take("ID")
        if items.reconstruction(session.id, id) is None:
            items.create_reconstruction(session.id, id, fields=_plain(sent_image), user=user)
    add_resources(context, Owner.of(session), sent, "resources/resource")


def add_resources(context: Context, owner: Owner, sent: Parsed, group: str) -> None:
    """Create the resources that a document names and that do not exist."""
    for resource in sent.below(group):
        label = resource.take("label")
        if label and context.store.resources.labelled(owner, label) is None:
            context.store.resources.create(
                owner, label, format=resource.take("format"), content=resource.take("content")
            )


def _plain(sent: Parsed) -> Fields:
    return {path: value for path, value in sent.fields.items() if path not in OWN}

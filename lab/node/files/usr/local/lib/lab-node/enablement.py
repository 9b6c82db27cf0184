"""Which units are started at boot: symbolic links in `<target>.wants`, as systemd has them."""
import os
from pathlib import Path


def enabled(units):
    """Names of the enabled units of a folder of unit files, sorted."""
    return sorted({link.name for link in Path(units).glob("*.wants/*") if link.exists()})


def enable(units, unit):
    """Returns the links that were made. Raises ValueError for a unit that nothing wants."""
    if not unit.all("WantedBy"):
        raise ValueError(f"{unit.name} has no WantedBy, so nothing would start it at boot")
    made = []
    for target in unit.all("WantedBy"):
        link = Path(units) / f"{target}.wants" / unit.name
        link.parent.mkdir(parents=True, exist_ok=True)
        if not link.is_symlink():
            link.symlink_to(Path(units) / unit.name)
            made.append(str(link))
    return made


def disable(units, name):
    """Returns the links that were removed."""
    links = [link for link in Path(units).glob(f"*.wants/{name}") if link.is_symlink()]
    for link in links:
        os.unlink(link)
    return [str(link) for link in links]

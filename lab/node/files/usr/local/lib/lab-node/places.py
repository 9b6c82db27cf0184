"""Where the service manager has its things, on a node; tests give others."""
from dataclasses import dataclass


@dataclass(frozen=True)
class Places:
    units: str = "/etc/systemd/system"
    run: str = "/run/lab-node"
    logs: str = "/var/log/gvfx-lab"

    @property
    def control(self):
        """Socket that systemctl speaks to."""
        return f"{self.run}/control.sock"

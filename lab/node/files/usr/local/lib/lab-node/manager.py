"""All services of the node: started at boot in their order, stopped in the reverse, and what systemctl asks for."""
import socket
import time

import enablement
from output import Journal
from processes import signal_number
from service import Service
from unit_file import UnitError, full_name, load

# systemctl's exit codes.
FAILED, NOT_ACTIVE, NO_SUCH_UNIT = 1, 3, 5


class Refused(Exception):
    def __init__(self, text, code=FAILED):
        super().__init__(text)
        self.code = code


class Manager:
    def __init__(self, loop, places, echo):
        self.loop, self.places, self.echo = loop, places, echo
        self.host = socket.gethostname()
        self.services = {}
        self.phase = "starting"

    def say(self, text):
        self.echo(f"lab-node: {text}\n".encode())

    def service(self, name):
        """The service of a unit by any of its names. Raises Refused when there is none that can be run."""
        try:
            if full_name(name) not in self.services:
                unit = load(self.places.units, name)
                if unit.name not in self.services:
                    journal = Journal(self.places.logs, unit.name, self.host, self.echo)
                    self.services[unit.name] = Service(unit, self.loop, journal, self.places.run)
                    self._tell_unknown(unit)
                return self.services[unit.name]
            return self.services[full_name(name)]
        except FileNotFoundError as error:
            raise Refused(f"Unit {full_name(name)} could not be found in {self.places.units}.", NO_SUCH_UNIT) from error
        except UnitError as error:
            raise Refused(str(error)) from error

    def _tell_unknown(self, unit):
        if unit.unknown:
            self.say(f"{unit.name}: not in force here, because the lab's service manager does not know them: {', '.join(unit.unknown)}")

    # Boot and end.

    def boot(self):
        waiting = {}
        for name in enablement.enabled(self.places.units):
            try:
                service = self.service(name)
                waiting[service.unit.name] = service
            except Refused as error:
                self.say(f"{name} is not started: {error}")
        asked = set()

        def go_on():
            if not waiting and self.phase == "starting":
                self.phase = "running"
                self.say("booted")
            for name, service in list(waiting.items()):
                if name not in asked and not set(service.unit.all("After")) & set(waiting):
                    asked.add(name)
                    service.start(lambda error, name=name: (error and self.say(error), waiting.pop(name), go_on()))

        go_on()

    def shut_down(self, within_s, done):
        """Stops everything; `done()` comes after `within_s` seconds at the latest."""
        self.phase = "stopping"
        self.loop.later(within_s, done)
        asked = set()

        def go_on():
            running = [service for service in self.services.values() if service.state not in ("inactive", "failed")]
            if not running:
                done()
            for service in running:
                if service not in asked and not any(service.unit.name in other.unit.all("After") for other in running):
                    asked.add(service)
                    service.stop(lambda _: go_on())

        go_on()

    # What systemctl asks for; `done(code, out, err)`.

    def handle(self, request, done):
        verb, names = request["verb"], request.get("units", [])
        try:
            if verb in ("start", "stop", "restart", "reload"):
                self._jobs(verb, [self.service(name) for name in names], done)
            else:
                code, out = getattr(self, "_" + verb.replace("-", "_"))(names, request)
                done(code, out, "")
        except (Refused, ValueError) as error:
            done(getattr(error, "code", FAILED), "", str(error))

    def _jobs(self, verb, services, done):
        if self.phase == "stopping" and verb != "stop":
            raise Refused("the node is being stopped, so nothing is started any more")
        left, errors = len(services), []

        def one(error):
            nonlocal left
            left -= 1
            if error:
                errors.append(error)
            if left == 0:
                done(FAILED if errors else 0, "", "\n".join(errors))

        for service in services:
            getattr(service, verb)(one)

    def _is_active(self, names, _):
        states = [self._state(name) for name in names]
        return (0 if "active" in states else NOT_ACTIVE), "\n".join(states)

    def _is_failed(self, names, _):
        states = [self._state(name) for name in names]
        return (0 if "failed" in states else FAILED), "\n".join(states)

    def _state(self, name):
        try:
            return self.service(name).state
        except Refused:
            return "inactive"

    def _is_enabled(self, names, _):
        enabled = enablement.enabled(self.places.units)
        states = ["enabled" if self.service(name).unit.name in enabled else "disabled" for name in names]
        return (0 if "enabled" in states else FAILED), "\n".join(states)

    def _enable(self, names, _):
        made = [link for service in [self.service(name) for name in names] for link in enablement.enable(self.places.units, service.unit)]
        return 0, "\n".join(f"Created symlink {link}." for link in made)

    def _disable(self, names, _):
        removed = [link for name in names for link in enablement.disable(self.places.units, self.service(name).unit.name)]
        return 0, "\n".join(f"Removed {link}." for link in removed)

    def _daemon_reload(self, _, __):
        problems = []
        for name, service in self.services.items():
            try:
                service.unit = load(self.places.units, name)
                self._tell_unknown(service.unit)
            except FileNotFoundError:
                # Runs on with what it was started with, as in systemd.
                continue
            except UnitError as error:
                problems.append(str(error))
        if problems:
            raise Refused("\n".join(problems))
        return 0, ""

    def _reset_failed(self, names, _):
        for service in [self.service(name) for name in names] or self.services.values():
            service.forget_failure()
        return 0, ""

    def _kill(self, names, request):
        errors = [error for error in (self.service(name).kill(signal_number(request.get("signal") or "SIGTERM"), request.get("whom") or "all") for name in names) if error]
        if errors:
            raise Refused("\n".join(errors))
        return 0, ""

    def _is_system_running(self, _, __):
        state = self.phase
        if state == "running" and any(service.state == "failed" for service in self.services.values()):
            state = "degraded"
        return (0 if state == "running" else FAILED), state

    def _list_units(self, _, __):
        rows = [(name, service.state, service.sub, service.unit.get("Description")) for name, service in sorted(self.services.items())]
        return 0, "\n".join(f"{name:<24} {state:<12} {sub:<14} {description}" for name, state, sub, description in rows)

    def _status(self, names, _):
        services = [self.service(name) for name in names]
        return (0 if all(service.state == "active" for service in services) else NOT_ACTIVE), "\n\n".join(self._describe(service) for service in services)

    def _describe(self, service):
        unit = service.unit
        enabled = "enabled" if unit.name in enablement.enabled(self.places.units) else "disabled"
        lines = [
            f"{unit.name} - {unit.get('Description')}",
            f"     Loaded: {self.places.units}/{unit.name}; {enabled}",
            f"     Active: {service.state} ({service.sub}) since {time.strftime('%Y-%m-%d %H:%M:%S %Z', time.localtime(service.since))}; {int(time.time() - service.since)}s ago; result {service.result}; restarts {service.restarts}",
        ]
        if service.main_pid:
            lines.append(f"   Main PID: {service.main_pid}")
        if unit.unknown:
            lines.append(f" Not in force: {', '.join(unit.unknown)}")
        lines.append(f"        Log: {service.journal.path}")
        return "\n".join(lines)

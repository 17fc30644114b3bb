"""What two simulations must agree in, as one number: every figure of a course, bit for bit."""

import hashlib

import msgspec
import numpy as np

from stentor.simulate.fleet.course import Course


def digest(course: Course) -> str:
    """Return the SHA-256 of what was found and for what, but not of how long it took."""
    summed = hashlib.sha256()
    given = (course.scenario, course.fleet, course.calibration, course.seed, course.edges)
    summed.update(msgspec.json.encode(given))
    summed.update(msgspec.json.encode(sorted(course.counts.items())))
    columns = {**course.seconds, **course.percentiles, "lanes": course.lanes}
    for name, one in course.people.items():
        columns[f"people.{name}"] = one.counts
    for name, column in sorted(columns.items()):
        summed.update(name.encode())
        summed.update(np.ascontiguousarray(column).tobytes())
    return summed.hexdigest()

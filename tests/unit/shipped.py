"""The number plan that comes with the program, read once for all modules that look at it."""

from resources.reference.plan import ReferenceData

PLAN = ReferenceData().load_plan()

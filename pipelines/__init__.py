"""How things run: definitions, partitions, jobs, schedules, sensors, settings and the commands."""

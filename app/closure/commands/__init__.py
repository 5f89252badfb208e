"""Changing proof of work: keep evidence, submit a closure, decide about one."""

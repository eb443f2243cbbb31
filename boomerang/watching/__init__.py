"""An approved model under watch.

metric_names  namespace, metrics, units and dimensions
history       what was measured, one datum a line
briefing      what a canary is told about the package that it watches
approval      the rules by which a person approves or rejects
"""

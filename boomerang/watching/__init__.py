"""An approved model under watch: the metrics' names, their history, what a canary is told, who may
approve."""

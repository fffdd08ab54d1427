"""The kernel in wall-clock: the batches it starts run on real worker processes, and end when those answer.

`channel` carries messages, `worker` is the process that executes, `crew` starts the processes and hears from them,
`inputs` is what a scenario has them execute, `driver` keeps the kernel's clock on the wall's, `log` lets the
kernel repeat what happened, and `local` puts them together on this machine.
"""

"""The kernel's rules once more, as plain SimPy: what the compiled kernel has to agree with to the bit.

Every batch, transfer and source is a little process; queues are deques, jobs and servers are objects. It shares
plans and the numbers of words with the kernel and no code. `Reference` puts the parts together.
"""

from tests.twin.reference.routes import Question
from tests.twin.reference.whole import Reference

__all__ = ["Question", "Reference"]

"""The dispatch kernel: one compiled state machine that decides what starts where and when.

It never sleeps, executes a model or reads a clock; three drivers feed it (replay, live, farm). It works on the
plain arrays of twin.kernel.state and knows nothing else. The SimPy reference in the tests says the same in another
way, to the bit.

State: jobs (an entity on its way through the graph: a segment, or a candidate of a sky event or of noise),
queues (one per stage and pool), batches on servers of pools, flows on links, meetings of branches, shards and
verdicts.

Events are handled by time, rank and number. Ranks at equal time: batch completed (2), flow through its link
(3), job arrived after the latency (4), source arrival (5), pause before another attempt or timer over (6), wait
for a verdict over (7), batch deadline (8), loads reported (9). Numbers count what was scheduled. Control actions
at time t come before data events at t. Whatever follows from an event without delay is done depth first, at once;
then jobs that ask Python for their route; and only when no event is left at the present time do pools start
work, those whose state changed, in order of their number. A batch of zero length completes before the next
pool's turn.

Graph (graph, meetings, decisions)
- Where a stage needs several branches, the last to come goes on with the flags of all, or the first where any
  will do.
- A stage may wait for the verdicts of a flag stage on the last segments up to the job's own; after the
  timeout, or when a verdict will never come, the job goes on marked as missing it. A flagged job ends at a
  gate as vetoed.
- A stage of several shards sends one job per shard and is done when all are. A flag stage then flags its
  segment; a trigger stage hands one candidate per event found to each successor and ends the segment's job;
  any other hands the job to all successors, publishing it first if it does. A segment without events is
  flagged, or triggers, as pure noise does; with events, their measured responses hold that noise already. Events
  of classes that a program does not look for (negative responses) do not count.
- A job may be about several segments, its own the first: it finds, flags or waits for what concerns any of them.
- A stage without pools is instant, or keeps each job for a time of its own (a timer), which needs no server.
- Flags are of two kinds: of a flag stage whose flags mean OUTSIDE (data unlike those that models were made for)
  they end nobody at a gate, but a guarded stage has jobs that carry one served by the first of its fallbacks that
  is there, if any is.
- When work ends early, word of it goes down the graph, so that nobody waits for what will not come.

Queues and pools (queues, routes, dispatch, batches, servers)
- A job picks a queue when it is sent, by its stage's rule, among pools that are open, have servers and room
  and can be reached; ties and "none" go to the first listed.
- On arrival it is shed if the queue's expected wait is too long, turned away or takes the oldest's place if it
  is full.
- A pool ends heads that are past their shelf life or deadline, then starts the ready queue of highest
  priority, longest waiting head, lowest number. Ready: a preempted batch, as many jobs as a full one has, no batch
  wait, or a head that has waited that long. A batch is of one variant: it ends before a job that another serves.
- The first variant of a stage that is there serves. Where none is, the stage stands still: its queues start
  nothing new, and what waits there waits as in an outage. What has begun goes on, also after it was preempted.
- Where shards become stale together ("whole"), a head that is past its shelf life stays if its queue has taken up
  another shard of the same job before; and a head ends, as that one did, once any shard of its job ended early.
- Without a free server, a batch of lower priority makes way if its stage allows it: of the lowest priority the
  one started last; it resumes later, or starts again.
- The server freed last is taken first, but one that holds the program goes before. Loading takes its time;
  what has no room beside it is given up, least recently used first; so is what was idle for too long.
- A service time is the inverse CDF of (queue, variant, batch size) at the stage's random number for the first
  job's attempt, linear between points; of the table for as long as the server has idled, where there are several.
  It is multiplied by the pool's slowness, by what so many busy servers do to each other, and by the pool's tempo
  at that time. For a live stage it is what the driver measured.
  An attempt fails by chance or at its time-out and is tried again after a pause, or given up.

Links (links): flows share the bandwidth equally, then take the latency. Faults (faults): twin.engine lists the
actions.

Sources (events): regular ones may deliver in frames, with a lag, and have breaks, from which on they go on with a
later job or another lag; no job comes before the one before it.

Every second of a job's life belongs to one part (state.PARTS); together they are its latency.

Return codes say why the kernel came back: DONE, LIVE (execute `live_batch`, put the seconds into
`live_service_s`, or inf and say later that it ends, by batches.finish; call again), ASK (route the job at
`ask_head`), or an array is too small or full (grow or flush it, call again).
"""

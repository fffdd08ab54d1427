// Segments that fork and join in SimGrid: an actor per shard of a pool, per batch and per segment on its way.
// Numbers: segments, seconds to cross, batch; four times shards; four times servers; service times by stage and batch.
#include "common.hpp"

#include <algorithm>
#include <array>
#include <deque>

enum { CONDITION, DQ, SEARCH, CANDIDATE };

static long segments, max_batch;
static double crossing_s;
static std::array<long, 4> shards;
static std::array<sg4::SemaphorePtr, 4> pools;
static std::array<std::vector<std::vector<double>>, 4> service_s; // stage, batch size - 1, shard
static std::array<std::vector<int>, 4> came;                      // stage, segment
static std::vector<int> branches;
static std::deque<long> waiting; // shards to be searched
static sg4::SemaphorePtr some;   // tells who forms batches that some came
static bool hungry = false;      // it waits for that

static void serve(int stage, long n);

static void fork(int stage, long k)
{
  for (long n = k * shards[stage]; n < (k + 1) * shards[stage]; ++n)
    start([stage, n] { serve(stage, n); });
}

static void search(long k)
{
  sg4::this_actor::sleep_for(crossing_s);
  for (long n = k * shards[SEARCH]; n < (k + 1) * shards[SEARCH]; ++n)
    waiting.push_back(n);
  if (hungry) {
    hungry = false;
    some->release();
  }
}

static void join(long k, bool far)
{
  if (++branches[k] < 2)
    return;
  start([k, far] {
    if (far)
      sg4::this_actor::sleep_for(crossing_s);
    serve(CANDIDATE, k);
  });
}

static void over(int stage, long n)
{
  ++done;
  const long k = n / shards[stage];
  if (++came[stage][k] < shards[stage])
    return;
  if (stage == CONDITION) {
    fork(DQ, k);
    start([k] { search(k); });
  } else if (stage == CANDIDATE) {
    leave();
  } else {
    join(k, stage == DQ);
  }
}

static void serve(int stage, long n)
{
  pools[stage]->acquire();
  sg4::this_actor::sleep_for(service_s[stage][0][n]);
  pools[stage]->release();
  over(stage, n);
}

static void run(const std::vector<long>& batch)
{
  sg4::this_actor::sleep_for(service_s[SEARCH][batch.size() - 1][batch[0]]);
  pools[SEARCH]->release();
  for (long n : batch)
    over(SEARCH, n);
}

// Forms batches, a free server in its hand.
static void form()
{
  for (;;) {
    pools[SEARCH]->acquire();
    if (waiting.empty()) {
      hungry = true;
      some->acquire();
    }
    const auto end = waiting.begin() + std::min<long>(max_batch, waiting.size());
    const std::vector<long> batch(waiting.begin(), end);
    waiting.erase(waiting.begin(), end);
    start([batch] { run(batch); });
  }
}

static void read(Numbers& numbers)
{
  segments   = numbers.whole();
  crossing_s = numbers.one();
  max_batch  = numbers.whole();
  for (auto& n : shards)
    n = numbers.whole();
  for (auto& pool : pools)
    pool = sg4::Semaphore::create(numbers.whole());
  for (int stage = 0; stage < 4; ++stage) {
    const long rows = stage == SEARCH ? max_batch : 1;
    for (long row = 0; row < rows; ++row)
      service_s[stage].push_back(numbers.many(segments * shards[stage]));
    came[stage].resize(segments);
  }
  branches.resize(segments);
  some = sg4::Semaphore::create(0);
}

int main(int argc, char** argv)
{
  return simulate(argc, argv, [](Numbers& numbers) {
    read(numbers);
    start([] {
      for (long k = 0; k < segments; ++k) {
        sg4::this_actor::sleep_for(1.0);
        fork(CONDITION, k);
      }
    });
    start(form)->daemonize();
  });
}

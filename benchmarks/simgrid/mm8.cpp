// M/M/8 in SimGrid: an actor per job, a semaphore per pool. Numbers: jobs, servers, times, service times.
#include "common.hpp"

static std::vector<double> times_s, service_s;
static sg4::SemaphorePtr pool;

static void job(long k)
{
  pool->acquire();
  sg4::this_actor::sleep_for(service_s[k]);
  pool->release();
  ++done;
  leave();
}

int main(int argc, char** argv)
{
  return simulate(argc, argv, [](Numbers& numbers) {
    const long jobs = numbers.whole();
    pool            = sg4::Semaphore::create(numbers.whole());
    times_s         = numbers.many(jobs);
    service_s       = numbers.many(jobs);
    start([] {
      for (size_t k = 0; k < times_s.size(); ++k) {
        sleep_until(times_s[k]);
        start([k] { job(k); });
      }
    });
  });
}

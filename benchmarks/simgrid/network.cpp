// Two sites of three stations in SimGrid: an actor per job, a semaphore per station.
// Numbers: jobs per site, seconds to cross, three times servers; per site times and three times service times.
#include "common.hpp"

#include <array>

static double crossing_s;
static std::array<long, 2> load{}; // at the third station or on the way to it
static std::array<std::vector<double>, 2> times_s;
static std::array<std::array<std::vector<double>, 3>, 2> service_s;
static std::array<std::array<sg4::SemaphorePtr, 3>, 2> pools;

static void station(int site, int k, double duration_s)
{
  pools[site][k]->acquire();
  sg4::this_actor::sleep_for(duration_s);
  pools[site][k]->release();
  ++done;
}

static void job(int a, long n)
{
  station(a, 0, service_s[a][0][n]);
  station(a, 1, service_s[a][1][n]);
  const int site = load[a] <= load[1 - a] ? a : 1 - a;
  ++load[site];
  if (site != a)
    sg4::this_actor::sleep_for(crossing_s);
  station(site, 2, service_s[a][2][n]);
  --load[site];
  leave();
}

int main(int argc, char** argv)
{
  return simulate(argc, argv, [](Numbers& numbers) {
    const long jobs = numbers.whole();
    crossing_s      = numbers.one();
    for (int k = 0; k < 3; ++k) {
      const long servers = numbers.whole();
      for (int a = 0; a < 2; ++a)
        pools[a][k] = sg4::Semaphore::create(servers);
    }
    for (int a = 0; a < 2; ++a) {
      times_s[a] = numbers.many(jobs);
      for (int k = 0; k < 3; ++k)
        service_s[a][k] = numbers.many(jobs);
      start([a] {
        for (size_t n = 0; n < times_s[a].size(); ++n) {
          sleep_until(times_s[a][n]);
          start([a, n] { job(a, n); });
        }
      });
    }
  });
}

// What the SimGrid programs share: one host, the numbers from a file, the outcome as one line. Knows no workload.
#pragma once

#include <simgrid/s4u.hpp>

#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

namespace sg4 = simgrid::s4u;

inline sg4::Host* host;      // everything runs here; computing is a sleep
inline long done = 0;        // stage completions
inline double total_s = 0.0; // sum of the times at which jobs left
inline long left = 0;        // jobs that left

// Numbers of a file of doubles, taken one after the other.
class Numbers {
  std::vector<double> all_;
  size_t next_ = 0;

public:
  explicit Numbers(const char* path)
  {
    std::FILE* file = std::fopen(path, "rb");
    xbt_assert(file != nullptr, "cannot open %s", path);
    std::fseek(file, 0, SEEK_END);
    all_.resize(std::ftell(file) / sizeof(double));
    std::rewind(file);
    xbt_assert(std::fread(all_.data(), sizeof(double), all_.size(), file) == all_.size(), "cannot read %s", path);
    std::fclose(file);
  }
  double one() { return all_[next_++]; }
  long whole() { return static_cast<long>(one()); }
  std::vector<double> many(long n)
  {
    next_ += n;
    return {all_.begin() + (next_ - n), all_.begin() + next_};
  }
};

inline void sleep_until(double time_s)
{
  sg4::this_actor::sleep_for(time_s - sg4::Engine::get_clock());
}

inline void leave()
{
  ++left;
  total_s += sg4::Engine::get_clock();
}

template <class F> sg4::ActorPtr start(F body)
{
  return sg4::Actor::create("", host, body);
}

// Run what `setup` starts and print completions, mean time of leaving, and seconds it took.
template <class F> int simulate(int argc, char** argv, F setup)
{
  sg4::Engine engine(&argc, argv);
  xbt_assert(argc == 2, "usage: %s numbers", argv[0]);
  Numbers numbers(argv[1]);
  auto* zone = sg4::create_full_zone("zone");
  host       = zone->create_host("host", 1.0);
  zone->seal();
  setup(numbers);
  const auto before = std::chrono::steady_clock::now();
  engine.run();
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - before;
  std::printf("%ld %.17g %.9g\n", done, total_s / left, wall.count());
  return 0;
}

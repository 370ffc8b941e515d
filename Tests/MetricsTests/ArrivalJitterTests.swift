import Metrics
import Testing
import TraceModel

@Suite("Arrivals that move a little")
struct ArrivalJitterTests {
  private let requests = (0..<1000).map { index in
    TraceRequest(
      id: RequestID(Int64(index)), arrival: Nanoseconds(Int64(index) * 10_000_000),
      promptTokens: TokenCount(10), outputTokens: TokenCount(2))
  }

  @Test("none moves further than the amplitude or to before the start, and each by its own draw")
  func bounded() {
    let amplitude = Nanoseconds(835_000)
    let moved = ArrivalJitter(amplitude: amplitude, seed: 7).applied(to: requests)
    let shifts = zip(moved, requests).map { ($0.arrival - $1.arrival).rawValue }
    #expect(shifts.allSatisfy { $0.magnitude <= amplitude.rawValue.magnitude })
    #expect(moved.allSatisfy { $0.arrival >= .zero })
    #expect(Set(shifts).count > 990)
    // Evenly to both sides: the mean of 1,000 draws is within five of its standard errors.
    let mean = Double(shifts.reduce(0, +)) / 1000
    #expect(mean.magnitude < 5 * 835_000 / 3.0.squareRoot() / 1000.0.squareRoot())
  }

  @Test("the same seed moves alike, another otherwise, and no amplitude nothing")
  func seeded() {
    let amplitude = Nanoseconds(1_000_000)
    let one = ArrivalJitter(amplitude: amplitude, seed: 1).applied(to: requests)
    #expect(one == ArrivalJitter(amplitude: amplitude, seed: 1).applied(to: requests))
    #expect(one != ArrivalJitter(amplitude: amplitude, seed: 2).applied(to: requests))
    #expect(ArrivalJitter(amplitude: .zero, seed: 1).applied(to: requests) == requests)
  }

  @Test("another length is drawn evenly up to its limit, and not as the arrivals are")
  func drawn() {
    let limit = Nanoseconds(1_000)
    let draws = (0..<2000).map { ArrivalJitter(amplitude: limit, seed: $0).draw(upTo: limit) }
    #expect(draws.allSatisfy { (.zero...limit).contains($0) })
    let mean = Double(draws.reduce(.zero, +).rawValue) / 2000
    #expect((mean - 500).magnitude < 5 * 1000 / 12.0.squareRoot() / 2000.0.squareRoot())
    let moved = (0..<2000).map { seed in
      ArrivalJitter(amplitude: limit, seed: seed).applied(to: [requests[1]])[0].arrival
    }
    #expect(Set(zip(draws, moved).map { $1 - $0 * 2 }).count > 1000)
    #expect(ArrivalJitter(amplitude: limit, seed: 3).draw(upTo: .zero) == .zero)
  }

  @Test("one of several places is drawn evenly")
  func places() {
    let draws = (0..<2000).map { ArrivalJitter(amplitude: .zero, seed: $0).place(of: 4) }
    for place in 0..<4 {
      let count = Double(draws.count { $0 == place })
      #expect((count - 500).magnitude < 5 * (2000 * 0.25 * 0.75).squareRoot())
    }
    #expect(ArrivalJitter(amplitude: .zero, seed: 3).place(of: 1) == 0)
  }
}

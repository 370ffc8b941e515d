import KernelSelection
import TestSupport
import TraceModel

@testable import EngineSimulation

/// Workloads and engines drawn so that all of the scheduler's limits bind now and then.
enum RandomWorkloads {
  static func make(
    _ random: inout SeededGenerator
  ) -> (requests: [TraceRequest], engine: EngineModel, prefixBlockTokens: Int?) {
    let blocks = Int.random(in: 4...40, using: &random)
    let engine = smallEngine(
      budget: Int.random(in: 1...40, using: &random),
      sequences: Int.random(in: 1...9, using: &random), blocks: blocks,
      prefixCaching: Bool.random(using: &random), asynchronous: Bool.random(using: &random),
      threshold: [0, 0, 3, 9].randomElement(using: &random) ?? 0,
      reserves: Bool.random(using: &random), maxModelLength: 120)
    let granularity = [nil, 2, 4, 6, 8].randomElement(using: &random) ?? nil
    var arrival: Int64 = 0
    let requests = (0..<Int.random(in: 1...40, using: &random)).map { place in
      arrival += Int64.random(in: 0...60, using: &random)
      let prompt = Int32.random(in: 1...60, using: &random)
      let prefix = granularity.map { tokens in
        prefixBlocks(count: (Int(prompt) + tokens - 1) / tokens, &random)
      }
      return TraceRequest(
        id: RequestID(Int64(place)), arrival: Nanoseconds(arrival * 1_000_000),
        promptTokens: TokenCount(prompt),
        outputTokens: TokenCount(Int32.random(in: 1...40, using: &random)),
        prefixBlocks: prefix ?? [])
    }
    return (requests, engine, granularity)
  }

  /// A path through a tree with two branches at each level: equal identities have equal pasts.
  private static func prefixBlocks(count: Int, _ random: inout SeededGenerator) -> [UInt64] {
    var node: UInt64 = 1
    return (0..<count).map { _ in
      node = node &* 4 &+ UInt64.random(in: 0...1, using: &random)
      return node
    }
  }
}

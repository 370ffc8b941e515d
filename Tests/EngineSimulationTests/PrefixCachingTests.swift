import Testing
import TraceModel

@testable import EngineSimulation

@Suite("Prefix caching")
struct PrefixCachingTests {
  private let engine = smallEngine(budget: 32, blocks: 16, prefixCaching: true)

  @Test("A prompt takes over the full blocks that it shares with an earlier one")
  func sharing() throws {
    // Prefix blocks of 8 tokens, KV blocks of 4: 1 and 2 are shared, 3 and 4 are not.
    let arrivals = requests([(0, 20, 1, [1, 2, 3]), (50, 20, 1, [1, 2, 4])])
    let (outcome, steps) = try replay(arrivals, on: engine, prefixBlockTokens: 8)
    #expect(text(steps) == "0:0+20\n1:16+4")
    #expect(outcome.requests[1].prefixHitTokens == TokenCount(16))
    #expect(outcome.counts.prefixHitTokens == 16)
  }

  @Test("Blocks can be shared within the step that fills them")
  func sharingAtOnce() throws {
    let arrivals = requests([(0, 10, 1, [1, 2]), (0, 10, 1, [1, 2])])
    #expect(text(try replay(arrivals, on: engine, prefixBlockTokens: 8).steps) == "0:0+10 1:8+2")
  }

  @Test("Of a prompt that is cached whole the last block is computed again")
  func wholePrompt() throws {
    let arrivals = requests([(0, 16, 1, [1, 2]), (50, 16, 1, [1, 2]), (99, 17, 1, [1, 2, 3])])
    let (_, steps) = try replay(arrivals, on: engine, prefixBlockTokens: 8)
    #expect(text(steps) == "0:0+16\n1:12+4\n2:16+1")
  }

  @Test("A block that a prompt fills only in part is shared by nobody")
  func partialBlock() throws {
    let arrivals = requests([(0, 10, 3, [1, 2]), (50, 11, 1, [1, 2])])
    let (_, steps) = try replay(arrivals, on: engine, prefixBlockTokens: 8)
    #expect(steps.last.map { text([$0]) } == "1:8+3")
  }

  @Test("Where no prefix is named, a request finds what it found when it was recorded")
  func recordedHits() throws {
    let arrivals = requests([(0, 20, 3), (50, 20, 1), (99, 12, 1)])
    let hits = [TokenCount(16), TokenCount(8), TokenCount(12)]
    let (outcome, steps) = try replay(arrivals, on: engine, recordedHits: hits)
    // A token is always left to compute.
    #expect(text(steps).hasPrefix("0:16+4\n0:20+1\n0:21+1\n1:8+12\n2:11+1"))
    #expect(outcome.counts.prefixHitTokens == 35)
    let uncached = smallEngine(budget: 32, blocks: 16, prefixCaching: false)
    #expect(text(try replay(arrivals, on: uncached, recordedHits: hits).steps).hasPrefix("0:0+20"))
    // Names tell more than the recording.
    let named = requests([(0, 16, 1, [1, 2]), (50, 16, 1, [1, 2])])
    let known = try replay(
      named, on: engine, prefixBlockTokens: 8, recordedHits: [.zero, .zero])
    #expect(text(known.steps) == "0:0+16\n1:12+4")
  }

  @Test("Identities follow the trace's granularity, finer or coarser than a KV block")
  func granularity() {
    let list = requests([(0, 12, 1, [5, 6, 7, 8, 9, 10]), (0, 12, 1, [5, 6, 7, 11, 12, 13])])
    // Two prefix tokens each: KV block 0 covers 5 and 6, KV block 1 covers 7 and 8 or 11.
    let fine = PrefixIdentities(requests: list, prefixBlockTokens: 2, kvBlockSize: 4)
    #expect(fine?.identity(of: 0, block: 0) == fine?.identity(of: 1, block: 0))
    #expect(fine?.identity(of: 0, block: 1) != fine?.identity(of: 1, block: 1))
    #expect(fine?.namedBlocks(of: 0, promptTokens: 11) == 2)
    // Six tokens each: KV block 0 ends inside 5, block 1 in 6, block 2 at the end of 6.
    let odd = PrefixIdentities(requests: list, prefixBlockTokens: 6, kvBlockSize: 4)
    let identities = (0..<3).compactMap { odd?.identity(of: 0, block: $0) }
    #expect(Set(identities).count == 3)
    #expect(odd?.identity(of: 0, block: 2) == odd?.identity(of: 1, block: 2))
  }

  @Test("The end of the longest-free prompt is reused first")
  func eviction() throws {
    // 8 blocks: request 0 leaves 4 cached; request 1 takes 6 and so the last two of these.
    let arrivals = requests([
      (0, 16, 1, [1, 2]), (50, 24, 1, [7, 8, 9]), (150, 17, 1, [1, 2, 3]),
    ])
    let small = smallEngine(budget: 32, blocks: 8, prefixCaching: true)
    let (_, steps) = try replay(arrivals, on: small, prefixBlockTokens: 8)
    #expect(text(steps) == "0:0+16\n1:0+24\n2:8+9")
  }

  @Test("A preempted request finds its own blocks again, generated ones included")
  func ownBlocks() throws {
    // 5 blocks. At token 9 of each both want a third block; the second frees 2 full blocks, of which
    // the first takes the one at the end. The other is found when the second resumes.
    let arrivals = requests([(0, 7, 4), (0, 7, 4)])
    let small = smallEngine(budget: 32, blocks: 4, prefixCaching: true, asynchronous: false)
    let (outcome, steps) = try replay(arrivals, on: small)
    #expect(
      text(steps) == """
        0:0+7 1:0+7
        0:7+1 1:7+1
        0:8+1 preempted 1
        0:9+1
        1:4+5
        1:9+1
        """)
    #expect(outcome.counts.recomputedTokens == 4)
    #expect(outcome.requests[1].prefixHitTokens == .zero)
  }
}

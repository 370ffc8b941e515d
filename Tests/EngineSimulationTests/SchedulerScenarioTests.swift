import Testing
import TraceModel

@testable import EngineSimulation

/// Batches worked out by hand from vLLM's rules, compared as text.
@Suite("Scheduler scenarios")
struct SchedulerScenarioTests {
  @Test("One request is prefilled once and decoded until its last token is promised")
  func single() throws {
    let (outcome, steps) = try replay(requests([(0, 5, 3)]), on: smallEngine())
    #expect(text(steps) == "0:0+5\n0:5+1\n0:6+1")
    #expect(outcome.requests[0].tokenRuns == [TokenRun(firstStep: 0, count: 3)])
  }

  @Test("A prompt longer than the budget goes on ahead of new requests")
  func chunked() throws {
    let (_, steps) = try replay(requests([(0, 10, 2), (0, 10, 2), (0, 3, 1)]), on: smallEngine())
    #expect(
      text(steps) == """
        0:0+8
        0:8+2 1:0+6
        0:10+1 1:6+4 2:0+3
        1:10+1
        """)
  }

  @Test("A request that arrives while two steps are in flight joins one step later than without")
  func asynchronousAdmission() throws {
    let arrivals = requests([(0, 2, 8), (15, 2, 2)])
    let late = try replay(arrivals, on: smallEngine()).steps
    let early = try replay(arrivals, on: smallEngine(asynchronous: false)).steps
    // Step 0 ends at 11 ms, step 1 at 21: the synchronous engine schedules step 2 at 21, the
    // asynchronous one schedules step 2 at 11 and step 3 at 21.
    #expect(text(early) == "0:0+2\n0:2+1\n0:3+1 1:0+2\n0:4+1 1:2+1\n0:5+1\n0:6+1\n0:7+1\n0:8+1")
    #expect(text(late) == "0:0+2\n0:2+1\n0:3+1\n0:4+1 1:0+2\n0:5+1 1:2+1\n0:6+1\n0:7+1\n0:8+1")
  }

  @Test("No more requests run than there are places, and a place is free when its tokens are in")
  func places() throws {
    let arrivals = requests([(0, 2, 2), (0, 2, 2), (0, 2, 1)])
    let synchronous = try replay(arrivals, on: smallEngine(sequences: 2, asynchronous: false))
    #expect(text(synchronous.steps) == "0:0+2 1:0+2\n0:2+1 1:2+1\n2:0+2")
    // The third waits for the output of step 1, although nothing is left to schedule before.
    let asynchronous = try replay(arrivals, on: smallEngine(sequences: 2))
    #expect(text(asynchronous.steps) == "0:0+2 1:0+2\n0:2+1 1:2+1\n2:0+2")
    #expect(asynchronous.steps[2].scheduleStart == asynchronous.steps[1].output)
  }

  @Test("The head of the queue keeps back a smaller request behind it")
  func headOfLine() throws {
    // 4 blocks of 4 tokens: the first holds 2, the second needs 3, the third would need 1.
    let arrivals = requests([(0, 6, 2), (0, 10, 1), (0, 2, 1)])
    let (_, steps) = try replay(arrivals, on: smallEngine(budget: 16, blocks: 4))
    #expect(text(steps) == "0:0+6\n0:6+1\n1:0+10 2:0+2")
  }

  @Test("Without the reservation a prompt starts with the blocks that its first chunk needs")
  func reservation() throws {
    let arrivals = requests([(0, 6, 3), (0, 10, 1)])
    let engine = smallEngine(budget: 8, blocks: 4)
    #expect(text(try replay(arrivals, on: engine).steps) == "0:0+6\n0:6+1\n0:7+1\n1:0+8\n1:8+2")
    var eager = engine
    eager.reservesFullPrompt = false
    // At 9 tokens it needs two more blocks where one is free: the last of the list, it preempts
    // itself. So it does again after 7 tokens, in a call that schedules nothing, since the first
    // keeps its blocks until its last token has come.
    #expect(
      text(try replay(arrivals, on: eager).steps) == """
        0:0+6 1:0+2
        0:6+1 preempted 1
        0:7+1 1:0+7
        1:0+8 preempted 1
        1:8+2
        """)
  }

  @Test("The last of the list loses its blocks, and its outputs count as prompt when it resumes")
  func preemption() throws {
    // 4 blocks: both requests hold 2 after their prompts of 7, and both want a third at token 9.
    let arrivals = requests([(0, 7, 4), (0, 7, 4)])
    let engine = smallEngine(budget: 32, blocks: 4, asynchronous: false)
    let (outcome, steps) = try replay(arrivals, on: engine)
    #expect(
      text(steps) == """
        0:0+7 1:0+7
        0:7+1 1:7+1
        0:8+1 preempted 1
        0:9+1
        1:0+9
        1:9+1
        """)
    #expect(
      outcome.requests[1].tokenRuns == [
        TokenRun(firstStep: 0, count: 2), TokenRun(firstStep: 4, count: 2),
      ])
    #expect(outcome.requests[1].preemptions == 1)
    #expect(outcome.counts.recomputedTokens == 8)
  }

  @Test("A token in flight at its request's preemption still comes, and is not computed twice")
  func preemptionInFlight() throws {
    let arrivals = requests([(0, 7, 4), (0, 7, 4)])
    let (outcome, steps) = try replay(arrivals, on: smallEngine(budget: 32, blocks: 4))
    #expect(
      text(steps) == """
        0:0+7 1:0+7
        0:7+1 1:7+1
        0:8+1 preempted 1
        0:9+1
        1:0+9
        1:9+1
        """)
    #expect(outcome.requests[1].tokenRuns.map(\.count) == [2, 2])
  }

  @Test("A request preempted while its last token is in flight finishes in the queue")
  func finishWhileWaiting() throws {
    // The second has its last token in step 1; the first needs a block in step 2.
    let arrivals = requests([(0, 7, 4), (0, 7, 2)])
    let (outcome, steps) = try replay(arrivals, on: smallEngine(budget: 32, blocks: 4))
    #expect(
      text(steps) == """
        0:0+7 1:0+7
        0:7+1 1:7+1
        0:8+1 preempted 1
        0:9+1
        """)
    #expect(outcome.requests[1].end == .finished)
    #expect(outcome.requests[1].tokenRuns == [TokenRun(firstStep: 0, count: 2)])
    #expect(outcome.counts.recomputedTokens == 0)
  }

  @Test("The threshold for long prompts holds back a prompt only where another could starve")
  func threshold() throws {
    let engine = smallEngine(budget: 16, threshold: 4)
    #expect(text(try replay(requests([(0, 10, 1)]), on: engine).steps) == "0:0+10")
    let (_, steps) = try replay(requests([(0, 10, 1), (0, 6, 2)]), on: engine)
    #expect(text(steps) == "0:0+4 1:0+4\n0:4+4 1:4+2\n0:8+2 1:6+1")
  }

  @Test("A request that fits neither the context nor the pool never starts")
  func tooLong() throws {
    let arrivals = requests([(0, 16, 1), (0, 16, 2), (0, 20, 1), (0, 1, 1)])
    let (outcome, steps) = try replay(
      arrivals, on: smallEngine(budget: 32, blocks: 4, maxModelLength: 18))
    #expect(outcome.requests.map(\.end) == [.finished, .tooLong, .tooLong, .finished])
    #expect(text(steps) == "0:0+16\n3:0+1")
  }
}

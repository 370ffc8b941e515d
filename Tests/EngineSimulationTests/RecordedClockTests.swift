import Testing
import TraceModel

@testable import EngineSimulation

@Suite("A recording's clock under other step times")
struct RecordedClockTests {
  /// Two steps back to back from 100 to 200 and to 300, then a rest of 50 and a step to 400.
  func clock() -> RecordedClock {
    var clock = RecordedClock()
    for (start, output, pause) in [(100, 200, 0), (150, 300, 0), (350, 400, 50)] {
      clock.add(
        TraceStep(
          scheduleStart: Nanoseconds(Int64(start)), scheduleEnd: Nanoseconds(Int64(start)),
          output: Nanoseconds(Int64(output))),
        pause: Nanoseconds(Int64(pause)))
    }
    return clock
  }

  func moved(_ moment: Int64, _ outputs: [Int64]) -> Int64 {
    clock().moved(Nanoseconds(moment), newOutputs: outputs.map { Nanoseconds($0) }).rawValue
  }

  @Test("moves nothing when steps take as long as they did")
  func standsStill() {
    for moment: Int64 in [-5, 0, 100, 130, 200, 299, 300, 320, 350, 370, 400, 450] {
      #expect(moved(moment, [200, 300, 400]) == moment)
    }
  }

  @Test("leaves what came before the first step where it was")
  func keepsTheStart() {
    #expect(moved(40, [300, 600, 900]) == 40)
  }

  @Test("stretches time inside a step with the step")
  func stretchesSteps() {
    // The first step takes 200 instead of 100, the second 300 instead of 100.
    #expect(moved(150, [300, 600, 700]) == 200)
    #expect(moved(250, [300, 600, 700]) == 450)
  }

  @Test("lets a rest pass as it was and stretches the work after it")
  func keepsRests() {
    #expect(moved(320, [300, 600, 750]) == 620)
    #expect(moved(350, [300, 600, 750]) == 650)
    #expect(moved(375, [300, 600, 750]) == 700)
    #expect(moved(400, [300, 600, 750]) == 750)
  }

  @Test("goes on at its own pace after the last step")
  func goesOn() {
    #expect(moved(460, [300, 600, 750]) == 810)
  }

  @Test("never goes back, whatever the steps take")
  func isMonotone() {
    for outputs: [Int64] in [
      [110, 120, 171], [300, 600, 700], [101, 1000, 1051], [200, 200, 250],
    ] {
      let moments = (0...500).map { moved($0, outputs) }
      #expect(moments == moments.sorted(), "outputs \(outputs)")
    }
  }
}

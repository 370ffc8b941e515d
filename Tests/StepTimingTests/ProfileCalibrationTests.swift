import KernelSelection
import Testing
import TraceModel

@testable import StepTiming

@Suite("A calibration from recordings of several machines")
struct ProfileCalibrationTests {
  private static func recording(_ name: String, machine: Int?) -> CalibrationRecording {
    CalibrationRecording(
      name: name, machine: machine,
      shape: ModelShape(
        name: "small", layers: 1, hiddenSize: 8, intermediateSize: 8, queryHeads: 1, kvHeads: 1,
        headSize: 8, vocabularySize: 8, maxModelLength: 100),
      context: AttentionContext(
        queryHeads: 1, kvHeads: 1, headSize: 8, smCount: 1,
        graphs: CUDAGraphs(mode: .none, captureSizes: [])),
      policy: ConstantPolicy(variant: .triton2D), requests: [])
  }

  @Test("takes machines in one order, whatever that of the recordings, and their number may be 0")
  func order() {
    for machines: [Int?] in [
      [nil, 0], [0, nil], [3, 0, nil, 1], [nil, 3, 1, 0, nil], [0, 7, 6, 5, 4, 3, 2, 1, nil],
    ] {
      let recordings = machines.map { Self.recording("\($0 ?? -1)", machine: $0) }
      let groups = ProfileCalibration.byMachine(recordings)
      let sorted = Set(machines).sorted { ($0 ?? -1) < ($1 ?? -1) }
      #expect(groups.map(\.machine) == sorted)
      for group in groups {
        #expect(group.recordings.count == machines.count { $0 == group.machine })
      }
    }
  }

  @Test("keeps the recordings of a machine in the order that they were given in")
  func withinMachine() {
    let recordings = ["b", "a", "c"].map { Self.recording($0, machine: 1) }
    #expect(
      ProfileCalibration.byMachine(recordings).first?.recordings.map(\.name) == ["b", "a", "c"])
    let apart = ["b", "a"].enumerated().map { Self.recording($1, machine: $0) }
    let together = ProfileCalibration.byMachine(apart, isOneMachine: true)
    #expect(together.count == 1 && together.first?.recordings.map(\.name) == ["b", "a"])
  }
}

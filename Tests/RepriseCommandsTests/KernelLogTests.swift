import TestSupport
import Testing

@Suite("A log of measured kernels given to calibrate")
struct KernelLogTests {
  /// What `calibrate` says of a log of one line, too short for any fit.
  private static func calibrate(_ microseconds: String) async throws -> CommandCall {
    let folder = try TemporaryDirectory()
    let steps = try folder.write(StepLogSample().text.utf8, to: "run.jsonl")
    let trace = folder.file("run.reprise")
    _ = await CommandCall("record", steps, "--output", trace)
    let line =
      #"{"op":"paged-attention","query_lens":[1],"kv_lens":[9],"microseconds":{"#
      + microseconds + "}}\n"
    let log = try folder.write((line + line).utf8, to: "times.jsonl")
    return await CommandCall("calibrate", log, trace, "--output", folder.file("x.json"))
  }

  @Test("each column that names no variant is warned of once")
  func unknown() async throws {
    let call = try await Self.calibrate(#""mine":9,"triton-2d":9,"my-triton-9d":9"#)
    for column in ["mine", "my-triton-9d"] {
      let lines = call.errors.split(separator: "\n").count {
        $0.contains("column '\(column)' is left out")
      }
      #expect(lines == 1, "\(call.errors)")
    }
    #expect(!call.errors.contains("column 'triton-2d'"), "\(call.errors)")
  }

  @Test("two columns of one variant are refused, since one would pass for the other")
  func twice() async throws {
    let call = try await Self.calibrate(#""vllm-0.24-triton-2d":9,"mine-triton-2d":7"#)
    #expect(call.exitCode == 1)
    #expect(
      call.errors.contains(
        "times.jsonl:1: `mine-triton-2d` and `vllm-0.24-triton-2d` are both times of triton-2d"),
      "\(call.errors)")
    #expect(call.hasOneErrorLine, "\(call.errors)")
  }
}

import KernelSelection
import MeasurementStore
import TestSupport
import Testing
import TraceModel

@Suite("Measurements as lines of text")
struct MeasurementLinesTests {
  private static let context = AttentionContext(
    queryHeads: 32, kvHeads: 8, headSize: 128, kvBlockSize: 16, smCount: 132,
    graphs: CUDAGraphs(mode: .none, captureSizes: []))

  private static func measurement(
    _ batch: AttentionBatch, samples: [Int64], status: MeasurementStatus = .complete
  ) -> Measurement {
    Measurement(
      key: MeasurementKey(
        machine: MeasuredMachine(gpu: "NVIDIA H200", smCount: 132, driver: "580.1"),
        kernelImage: "ab+cd", variant: "triton-3d-16",
        batch: BatchKey(batch, in: context, elementType: "bf16"), state: MeasuredState()),
      sampleSets: samples.isEmpty
        ? []
        : [
          SampleSet(
            samples: samples.map { Nanoseconds($0) }, smMegahertz: 1980, throttleReasons: 1,
            date: "2026-11-23T22:00:00Z")
        ], status: status)
  }

  @Test("an export read back is what was exported, failures included")
  func roundTrip() throws {
    let all = [
      Self.measurement(AttentionBatch(rows: [(1, 500), (1, 40)], paddedRows: 4), samples: [3, 1]),
      Self.measurement(AttentionBatch(rows: [(8, 70)]), samples: [], status: .failed(reason: "x")),
      Self.measurement(AttentionBatch(rows: [(2, 70)]), samples: [5], status: .partial),
    ]
    let text = all.map { $0.json.text() + "\n" }.joined()
    #expect(try MeasurementLines.measurements(in: text, source: "a.jsonl") == all)
    let folder = try TemporaryDirectory()
    let store = try MeasurementStore(path: folder.file("store.sqlite"))
    try store.append(contentsOf: MeasurementLines.measurements(in: text, source: "a.jsonl"))
    #expect(try store.counts().measurements == 3)
  }

  @Test("a line that is none names its number and file")
  func wrongLine() throws {
    let line = Self.measurement(AttentionBatch(rows: [(1, 5)]), samples: [1]).json.text()
    for wrong in ["{", "{}", line.replacing("complete", with: "done"), line.dropLast(20) + ""] {
      do {
        _ = try MeasurementLines.measurements(in: "\(line)\n\(wrong)\n", source: "a.jsonl")
        Issue.record("read \(wrong)")
      } catch {
        #expect(error.message.contains("a.jsonl") && error.message.contains("line 2"))
      }
    }
  }

  @Test("a time or a date that no measurement has is refused where it is read")
  func impossible() {
    let line = Self.measurement(AttentionBatch(rows: [(1, 5)]), samples: [7]).json.text()
    for (wrong, words) in [
      (line.replacing("[7]", with: "[7,-7]"), "a negative time"),
      (line.replacing("[7]", with: "[\(Int64.min)]"), "a negative time"),
      (line.replacing("[7]", with: "[\(Int64.max)]"), "a time of more than 60 s"),
      (line.replacing("[7]", with: "[]"), "a set of 0 samples"),
      (line.replacing("2026-11-23T", with: "23.11.2026 "), "the date '23.11.2026 "),
    ] {
      let error = #expect(throws: MeasurementStoreError.self) {
        try MeasurementLines.measurements(in: "\(line)\n\(wrong)\n", source: "a.jsonl")
      }
      #expect(error?.message.contains("line 2: \(words)") == true, "\(error?.message ?? wrong)")
    }
  }

  @Test("the median of any two times lies between them")
  func medians() {
    for (low, high, middle) in [
      (1, 4, 2), (.max - 1, .max, .max - 1), (.max, .max, .max), (.min, .min, .min),
      (.min, .max, -1), (0, .max, .max / 2),
    ] as [(Int64, Int64, Int64)] {
      for samples in [[low, high], [high, low]] {
        let median = Measurement.median(of: samples.map { Nanoseconds($0) })
        #expect(median == Nanoseconds(middle), "\(samples)")
      }
    }
  }

  @Test("condensed, a measurement keeps its median and nothing else")
  func condensed() {
    let odd = Self.measurement(AttentionBatch(rows: [(1, 5)]), samples: [9, 1, 4])
    #expect(odd.condensed.samples == [Nanoseconds(4)])
    let even = Self.measurement(AttentionBatch(rows: [(1, 5)]), samples: [9, 1, 4, 6])
    #expect(even.condensed.median == even.median && even.median == Nanoseconds(5))
    let failed = Self.measurement(
      AttentionBatch(rows: [(1, 5)]), samples: [], status: .failed(reason: "x"))
    #expect(failed.condensed == failed)
  }

  @Test("a batch's text gives the batch back")
  func parsing() throws {
    let batches = [
      AttentionBatch(rows: [(1, 500)], paddedRows: 1),
      AttentionBatch(rows: [(1, 500), (1, 500), (7, 90), (0, 0)], paddedRows: 16),
    ]
    for batch in batches {
      let key = BatchKey(batch, in: Self.context, elementType: "fp16")
      let described = try #require(key.described)
      #expect(described.elementType == "fp16")
      #expect(described.context(smCount: 132) == Self.context)
      let again = BatchKey(described.batch, in: Self.context, elementType: "fp16")
      #expect(again == key)
    }
    let key = BatchKey(batches[0], in: Self.context, elementType: "bf16").text
    for wrong in ["", "x", key + " more=1", key.replacing("rows=500", with: "rows=500*x")] {
      #expect(BatchKey(text: wrong).described == nil, "\(wrong)")
    }
    #expect(BatchKey.batch(ofRows: "500,2048/4096,9*3")?.summary.tokens == 2052)
  }
}

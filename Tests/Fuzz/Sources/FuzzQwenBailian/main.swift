import Fuzzing
import TraceImport

Fuzzing.run { bytes in _ = try? WorkloadFormat.qwenBailian.read(bytes, name: "fuzz") }

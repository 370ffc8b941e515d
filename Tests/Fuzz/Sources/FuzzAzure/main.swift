import Fuzzing
import TraceImport

Fuzzing.run { bytes in _ = try? WorkloadFormat.azure.read(bytes, name: "fuzz") }

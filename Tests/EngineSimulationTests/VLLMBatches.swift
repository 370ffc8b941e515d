/// Batches that vLLM 0.32.0's own `Scheduler` and `AsyncScheduler` formed for small workloads.
///
/// A case is a line `case SEED BUDGET SEQUENCES BLOCKS CACHING ASYNC THRESHOLD RESERVES MAX_LENGTH
/// PREFIX_BLOCK_TOKENS REQUESTS STEPS` (KV blocks of 4 tokens; vLLM's null block is not counted), a
/// line `CALL PROMPT OUTPUTS PREFIX_BLOCKS…` for each request, which is added before that call of
/// `schedule`, or before the next one on an idle engine, and a line for each call that scheduled
/// anything: rows as `REQUEST:COMPUTED+NEW` in the engine's order, requests preempted since the step
/// before in ascending order, and the blocks free after the call. Tokens are processed after the next
/// call under asynchronous scheduling, and at once otherwise; every output has its full length.
enum VLLMBatches {
  static let cases = """
    case 1 7 4 6 1 1 5 0 100 8 4 15
    0 8 7 1
    3 8 5 1
    4 8 1 1
    4 1 7 1
    0:0+7 free 4
    0:7+1 free 4
    0:8+1 free 3
    0:9+1 1:4+4 free 2
    0:10+1 1:8+1 2:4+4 free 0
    0:11+1 1:9+1 free 0
    0:12+1 1:10+1 free 0
    0:13+1 1:11+1 free 0
    3:0+1 free 5
    3:1+1 free 5
    3:2+1 free 5
    3:3+1 free 5
    3:4+1 free 4
    3:5+1 free 4
    3:6+1 free 4
    case 12 18 3 13 1 0 0 1 100 8 5 11
    3 23 8 1 2 3
    5 16 4 4 5
    5 17 2 4 6 7
    5 2 2 4
    8 8 3 4
    0:0+18 free 8
    0:18+5 free 7
    0:23+1 1:0+16 2:8+1 free 2
    0:24+1 1:16+1 preempted 2 free 1
    0:25+1 1:17+1 free 1
    0:26+1 1:18+1 free 1
    0:27+1 2:8+9 3:0+2 free 0
    0:28+1 2:17+1 preempted 3 free 0
    0:29+1 3:0+3 4:4+4 free 2
    4:8+1 free 10
    4:9+1 free 10
    case 13 11 3 7 1 0 0 0 100 4 4 18
    0 8 3 1 2
    0 8 5 3 4
    3 16 8 1 5 6 7
    6 16 10 1 5 6 7
    0:0+8 1:0+3 free 4
    0:8+1 1:3+5 free 2
    0:9+1 1:8+1 free 1
    1:9+1 2:4+10 free 0
    1:10+1 2:14+2 free 0
    1:11+1 preempted 2 free 4
    2:16+1 3:12+4 free 1
    2:17+1 3:16+1 free 0
    2:18+1 3:17+1 free 0
    2:19+1 3:18+1 free 0
    2:20+1 preempted 3 free 1
    2:21+1 3:16+4 free 0
    2:22+1 preempted 3 free 1
    3:20+1 free 1
    3:21+1 free 1
    3:22+1 free 1
    3:23+1 free 1
    3:24+1 free 0
    case 14 6 4 13 0 1 0 0 100 0 3 17
    3 16 7
    6 16 4
    8 16 6
    0:0+6 free 11
    0:6+6 free 10
    0:12+4 free 9
    0:16+1 1:0+5 free 6
    0:17+1 1:5+5 free 5
    0:18+1 1:10+5 free 4
    0:19+1 1:15+1 2:0+4 free 3
    0:20+1 1:16+1 2:4+4 free 0
    0:21+1 1:17+1 preempted 2 free 2
    1:18+1 2:0+5 free 0
    2:5+6 free 5
    2:11+5 free 9
    2:16+1 free 8
    2:17+1 free 8
    2:18+1 free 8
    2:19+1 free 8
    2:20+1 free 7
    case 22 7 2 5 1 1 5 1 100 6 3 20
    1 8 9 1 2
    4 8 5 1 3
    6 8 9 4 5
    0:0+7 free 3
    0:7+1 free 3
    0:8+1 free 2
    0:9+1 1:4+4 free 1
    0:10+1 1:8+1 free 0
    0:11+1 1:9+1 free 0
    0:12+1 preempted 1 free 1
    0:13+1 free 1
    0:14+1 free 1
    0:15+1 free 1
    1:8+3 2:0+4 free 1
    1:11+1 2:4+4 free 0
    2:8+1 preempted 2 free 2
    2:9+1 free 2
    2:10+1 free 2
    2:11+1 free 2
    2:12+1 free 1
    2:13+1 free 1
    2:14+1 free 1
    2:15+1 free 1
    case 23 12 2 5 1 1 5 1 100 4 4 13
    3 8 2 1 2
    3 16 1 1 2 3 4
    4 2 3 1
    5 8 8 1 2
    0:0+5 1:4+5 free 1
    0:5+3 1:9+5 free 0
    0:8+1 preempted 1 free 2
    1:12+4 2:0+2 free 0
    2:2+1 free 0
    2:3+1 3:4+4 free 2
    3:8+1 free 1
    3:9+1 free 2
    3:10+1 free 2
    3:11+1 free 2
    3:12+1 free 1
    3:13+1 free 1
    3:14+1 free 1
    case 26 9 4 8 1 0 0 1 100 8 3 10
    1 16 7 1 2
    2 8 4 1
    3 8 7 1
    0:0+9 free 5
    0:9+7 1:4+2 free 3
    0:16+1 1:6+2 2:4+4 free 1
    0:17+1 1:8+1 preempted 2 free 1
    0:18+1 1:9+1 2:8+1 free 0
    0:19+1 1:10+1 2:9+1 free 0
    0:20+1 2:10+1 free 1
    0:21+1 2:11+1 free 1
    2:12+1 free 4
    2:13+1 free 4
    case 39 9 3 11 1 1 0 1 100 6 5 22
    1 16 2 1 2 3
    4 16 10 1 4 5
    6 9 10 6 7
    8 8 4 1 2
    11 20 6 1 2 3 8
    0:0+9 free 8
    0:9+7 free 7
    0:16+1 free 6
    1:4+9 free 3
    1:13+3 free 7
    1:16+1 2:0+8 free 4
    1:17+1 2:8+1 free 3
    1:18+1 2:9+1 3:4+4 free 2
    1:19+1 2:10+1 3:8+1 free 1
    1:20+1 2:11+1 3:9+1 free 0
    1:21+1 2:12+1 preempted 3 free 1
    1:22+1 2:13+1 free 1
    1:23+1 2:14+1 free 1
    1:24+1 2:15+1 free 0
    2:12+5 3:4+4 preempted 2 free 4
    2:17+1 3:8+3 4:8+5 free 1
    4:13+7 free 0
    4:20+1 free 5
    4:21+1 free 5
    4:22+1 free 5
    4:23+1 free 5
    4:24+1 free 4
    case 41 15 3 8 0 0 5 1 100 0 5 17
    3 24 1
    4 8 8
    5 5 6
    6 9 10
    6 4 1
    0:0+15 free 4
    0:15+5 1:0+5 free 1
    0:20+4 1:5+3 free 0
    1:8+1 2:0+5 3:0+5 free 1
    1:9+1 2:5+1 3:5+4 free 0
    1:10+1 2:6+1 3:9+1 free 0
    1:11+1 2:7+1 3:10+1 free 0
    1:12+1 2:8+1 preempted 3 free 1
    1:13+1 2:9+1 free 1
    1:14+1 3:0+5 4:0+4 free 1
    3:5+7 free 5
    3:12+1 free 4
    3:13+1 free 4
    3:14+1 free 4
    3:15+1 free 4
    3:16+1 free 3
    3:17+1 free 3
    case 42 23 2 5 0 0 0 1 100 0 3 19
    3 8 2
    4 8 10
    4 8 9
    0:0+8 free 3
    0:8+1 1:0+8 free 0
    1:8+1 2:0+8 free 0
    1:9+1 preempted 2 free 2
    1:10+1 free 2
    1:11+1 free 2
    1:12+1 free 1
    1:13+1 free 1
    1:14+1 free 1
    1:15+1 free 1
    1:16+1 free 0
    2:0+9 free 2
    2:9+1 free 2
    2:10+1 free 2
    2:11+1 free 2
    2:12+1 free 1
    2:13+1 free 1
    2:14+1 free 1
    2:15+1 free 1
    case 50 18 3 10 1 0 0 0 100 6 3 15
    2 8 6 1 2
    2 16 10 3 4 5
    5 8 10 1 2
    0:0+8 1:0+10 free 5
    0:8+1 1:10+6 free 3
    0:9+1 1:16+1 free 2
    0:10+1 1:17+1 2:4+4 free 1
    0:11+1 1:18+1 2:8+1 free 0
    0:12+1 1:19+1 preempted 2 free 1
    1:20+1 2:8+2 free 1
    1:21+1 2:10+1 free 1
    1:22+1 2:11+1 free 1
    1:23+1 2:12+1 free 0
    1:24+1 preempted 2 free 3
    2:12+2 free 6
    2:14+1 free 6
    2:15+1 free 6
    2:16+1 free 5
    case 58 21 2 8 0 1 0 1 100 0 5 22
    2 16 10
    5 10 2
    5 8 8
    5 15 7
    7 8 3
    0:0+16 free 4
    0:16+1 free 3
    0:17+1 free 3
    0:18+1 1:0+10 free 0
    0:19+1 1:10+1 free 0
    0:20+1 preempted 1 free 2
    0:21+1 2:0+8 free 0
    0:22+1 preempted 2 free 2
    0:23+1 free 2
    0:24+1 free 1
    2:0+9 3:0+12 free 2
    2:9+1 3:12+3 free 1
    2:10+1 3:15+1 free 1
    2:11+1 3:16+1 free 0
    2:12+1 preempted 3 free 4
    2:13+1 free 4
    2:14+1 free 4
    3:0+18 4:0+3 free 2
    3:18+1 4:3+5 free 1
    3:19+1 4:8+1 free 0
    3:20+1 preempted 4 free 2
    4:0+10 free 5
    case 59 10 2 12 1 0 0 0 100 0 6 17
    3 16 5
    4 24 6
    5 8 2
    7 8 6
    9 8 4
    9 19 2
    0:0+10 free 9
    0:10+6 1:0+4 free 7
    0:16+1 1:4+9 free 3
    0:17+1 1:13+9 free 1
    0:18+1 1:22+2 free 1
    0:19+1 1:24+1 free 0
    1:25+1 2:0+8 free 3
    1:26+1 2:8+1 free 2
    1:27+1 3:0+8 free 3
    1:28+1 3:8+1 free 1
    3:9+1 4:0+8 free 7
    3:10+1 4:8+1 free 6
    3:11+1 4:9+1 free 6
    3:12+1 4:10+1 free 5
    5:0+10 free 9
    5:10+9 free 7
    5:19+1 free 7
    case 65 16 3 9 1 1 0 1 100 6 6 22
    1 3 4 1
    4 20 2 2 3 4 5
    5 16 4 1 6 7
    8 16 6 2 3 8
    10 16 9 2 9 10
    10 8 7 1 6
    0:0+3 free 8
    0:3+1 free 8
    0:4+1 free 7
    0:5+1 1:0+15 free 3
    1:15+5 free 2
    1:20+1 free 3
    2:0+16 free 5
    2:16+1 3:12+4 free 0
    2:17+1 preempted 3 free 4
    2:18+1 free 4
    3:16+1 4:4+12 free 1
    3:17+1 4:16+1 free 0
    3:18+1 4:17+1 free 0
    3:19+1 4:18+1 free 0
    3:20+1 preempted 4 free 3
    4:16+4 5:0+8 free 2
    4:20+1 5:8+1 free 0
    4:21+1 5:9+1 free 0
    4:22+1 5:10+1 free 0
    4:23+1 5:11+1 free 0
    5:8+5 preempted 5 free 5
    5:13+1 free 5
    case 68 17 4 13 1 1 0 1 100 6 6 17
    2 6 2 1
    2 18 10 1 2 3
    3 8 8 4 5
    6 8 1 1 2
    7 19 8 1 2 3 6
    10 20 5 1 7 8 9
    0:0+6 1:4+11 free 8
    0:6+1 1:15+3 2:0+8 free 5
    1:18+1 2:8+1 free 4
    1:19+1 2:9+1 free 5
    1:20+1 2:10+1 3:4+4 free 3
    1:21+1 2:11+1 4:16+3 free 2
    1:22+1 2:12+1 4:19+1 free 2
    1:23+1 2:13+1 4:20+1 free 1
    1:24+1 2:14+1 4:21+1 free 0
    1:25+1 4:22+1 free 0
    1:26+1 4:23+1 5:4+15 free 0
    4:24+1 preempted 5 free 3
    4:25+1 5:16+4 free 2
    5:20+1 free 1
    5:21+1 free 7
    5:22+1 free 7
    5:23+1 free 7
    case 70 6 3 12 1 1 0 0 100 4 6 22
    3 16 8 1 2 3 4
    3 8 3 1 2
    3 16 2 1 2 3 4
    4 12 9 5 6 7
    7 2 5 1
    8 16 9 1 8 9 10
    0:0+6 free 10
    0:6+6 free 9
    0:12+4 1:4+2 free 7
    0:16+1 1:6+2 2:12+3 free 5
    0:17+1 1:8+1 2:15+1 free 4
    0:18+1 1:9+1 2:16+1 free 3
    0:19+1 free 3
    0:20+1 3:0+5 free 4
    0:21+1 3:5+5 free 3
    0:22+1 3:10+2 4:0+2 free 2
    3:12+1 4:2+1 free 1
    3:13+1 4:3+1 5:4+4 free 5
    3:14+1 4:4+1 5:8+4 free 3
    3:15+1 4:5+1 5:12+4 free 2
    3:16+1 5:16+1 free 0
    3:17+1 5:17+1 free 2
    3:18+1 5:18+1 free 2
    3:19+1 5:19+1 free 2
    5:20+1 free 1
    5:21+1 free 6
    5:22+1 free 6
    5:23+1 free 6
    case 75 17 4 11 1 0 5 0 100 6 3 18
    2 16 10 1 2 3
    5 16 8 4 5 6
    6 8 10 1 2
    0:0+16 free 7
    0:16+1 free 6
    0:17+1 free 6
    0:18+1 1:0+5 free 4
    0:19+1 1:5+5 2:4+4 free 2
    0:20+1 1:10+5 preempted 2 free 1
    0:21+1 1:15+1 2:8+1 free 0
    0:22+1 1:16+1 preempted 2 free 0
    0:23+1 1:17+1 free 0
    0:24+1 preempted 1 free 4
    1:16+3 2:8+2 free 3
    1:19+1 2:10+1 free 3
    1:20+1 2:11+1 free 2
    1:21+1 2:12+1 free 1
    1:22+1 2:13+1 free 1
    2:14+1 free 7
    2:15+1 free 7
    2:16+1 free 6
    case 77 11 3 8 1 0 0 1 100 4 4 18
    0 8 4 1 2
    3 16 4 1 3 4 5
    4 8 9 6 7
    7 20 6 1 3 4 5 8
    0:0+8 free 6
    0:8+1 free 5
    0:9+1 free 5
    0:10+1 1:4+10 free 2
    1:14+2 2:0+8 free 2
    1:16+1 2:8+1 free 0
    1:17+1 2:9+1 free 0
    1:18+1 2:10+1 free 0
    2:11+1 3:16+4 free 0
    2:12+1 preempted 3 free 4
    2:13+1 free 4
    2:14+1 free 4
    2:15+1 free 4
    3:16+5 free 2
    3:21+1 free 2
    3:22+1 free 2
    3:23+1 free 2
    3:24+1 free 1
    case 78 9 2 9 0 0 0 0 100 0 4 14
    3 8 8
    6 8 4
    7 16 6
    10 8 3
    0:0+8 free 7
    0:8+1 free 6
    0:9+1 free 6
    0:10+1 1:0+8 free 4
    0:11+1 1:8+1 free 3
    0:12+1 1:9+1 free 2
    0:13+1 1:10+1 free 2
    0:14+1 2:0+8 free 3
    2:8+8 3:0+1 free 4
    2:16+1 3:1+7 free 2
    2:17+1 3:8+1 free 1
    2:18+1 3:9+1 free 1
    2:19+1 free 4
    2:20+1 free 3
    case 83 18 3 6 1 0 0 1 100 4 4 17
    2 8 9 1 2
    3 16 1 1 2 3 4
    3 16 6 1 2 5 6
    6 15 7 1 2 5 6
    0:0+8 free 4
    0:8+1 1:8+8 free 1
    0:9+1 2:8+8 free 1
    0:10+1 2:16+1 free 0
    0:11+1 2:17+1 free 0
    0:12+1 preempted 2 free 2
    0:13+1 free 2
    0:14+1 free 2
    0:15+1 free 2
    2:16+3 3:12+3 free 0
    2:19+1 3:15+1 free 0
    2:20+1 preempted 3 free 0
    3:12+5 free 1
    3:17+1 free 1
    3:18+1 free 1
    3:19+1 free 1
    3:20+1 free 0
    case 89 5 4 9 1 1 0 1 100 4 5 18
    2 3 8 1
    2 8 1 1 2
    4 8 7 3 4
    6 16 4 1 5 6 7
    6 16 5 3 4 8 9
    0:0+3 1:0+2 free 7
    0:3+1 1:2+4 free 6
    0:4+1 1:6+2 2:0+2 free 4
    0:5+1 2:2+4 free 3
    0:6+1 2:6+2 3:4+2 free 3
    0:7+1 2:8+1 3:6+3 free 1
    0:8+1 2:9+1 3:9+3 free 0
    0:9+1 2:10+1 preempted 3 free 3
    2:11+1 free 3
    2:12+1 3:12+4 free 1
    2:13+1 3:16+1 free 0
    3:17+1 free 0
    3:18+1 4:8+4 free 1
    4:12+4 free 0
    4:16+1 free 4
    4:17+1 free 4
    4:18+1 free 4
    4:19+1 free 4
    case 90 9 4 6 1 1 0 0 100 8 4 13
    2 16 3 1 2
    2 22 2 1 2 3
    5 8 7 4
    5 8 3 4
    0:0+9 free 3
    0:9+7 1:16+2 free 1
    0:16+1 preempted 1 free 1
    0:17+1 free 1
    1:16+6 free 0
    1:22+1 free 0
    2:0+8 3:4+1 free 3
    2:8+1 3:5+3 free 2
    2:9+1 3:8+1 free 1
    2:10+1 3:9+1 free 1
    2:11+1 free 1
    2:12+1 free 2
    2:13+1 free 2
    case 110 15 4 8 1 0 0 0 100 8 5 15
    0 4 3 1
    3 8 7 1
    4 16 7 1 2
    7 9 7 1 3
    10 8 2 1
    0:0+4 free 7
    0:4+1 free 6
    0:5+1 free 6
    1:4+4 free 6
    1:8+1 2:8+8 free 3
    1:9+1 2:16+1 free 2
    1:10+1 2:17+1 free 2
    1:11+1 2:18+1 3:8+1 free 1
    1:12+1 2:19+1 3:9+1 free 0
    1:13+1 2:20+1 preempted 3 free 0
    2:21+1 3:8+3 4:4+4 free 0
    3:11+1 4:8+1 free 3
    3:12+1 free 4
    3:13+1 free 4
    3:14+1 free 4
    case 114 10 4 6 1 1 0 0 100 6 3 17
    2 11 8 1 2
    5 4 9 3
    7 12 7 3 4
    0:0+10 free 3
    0:10+1 free 3
    0:11+1 free 3
    0:12+1 1:0+4 free 1
    0:13+1 1:4+1 free 0
    0:14+1 1:5+1 free 0
    0:15+1 1:6+1 free 0
    0:16+1 preempted 1 free 1
    0:17+1 free 1
    1:4+4 2:4+6 free 2
    1:8+1 2:10+2 free 1
    1:9+1 2:12+1 free 0
    1:10+1 2:13+1 free 0
    1:11+1 2:14+1 free 0
    2:15+1 free 0
    2:16+1 free 1
    2:17+1 free 1
    case 115 12 2 6 1 0 0 0 100 6 5 15
    2 8 1 1 2
    4 16 3 1 3 4
    5 5 7 1
    5 8 5 1 3
    6 16 6 1 3 4
    0:0+8 free 4
    1:4+12 free 2
    1:16+1 2:4+1 free 0
    1:17+1 2:5+1 free 0
    2:6+1 3:4+4 free 3
    2:7+1 3:8+1 free 2
    2:8+1 3:9+1 free 1
    2:9+1 3:10+1 free 1
    2:10+1 3:11+1 free 1
    4:8+8 free 2
    4:16+1 free 1
    4:17+1 free 1
    4:18+1 free 1
    4:19+1 free 1
    4:20+1 free 0
    case 143 8 2 5 1 1 0 1 100 4 3 11
    0 16 2 1 5 6 7
    1 16 4 1 5 6 8
    1 16 5 1 5 6 7
    0:0+8 free 3
    0:8+8 free 1
    0:16+1 free 0
    1:12+4 2:12+4 free 0
    1:16+1 preempted 2 free 0
    1:17+1 free 0
    1:18+1 free 0
    2:12+5 free 0
    2:17+1 free 0
    2:18+1 free 0
    2:19+1 free 0
    case 144 17 2 12 1 1 0 0 100 8 6 22
    1 15 8 1 2
    1 8 5 3
    1 13 10 1 2
    2 23 10 3 4 5
    3 6 3 3
    5 4 1 3
    0:0+15 1:0+2 free 7
    0:15+1 1:2+6 free 6
    0:16+1 1:8+1 free 4
    0:17+1 1:9+1 free 4
    0:18+1 1:10+1 free 4
    0:19+1 1:11+1 free 4
    0:20+1 free 3
    0:21+1 2:12+1 free 5
    2:13+1 free 5
    2:14+1 3:8+15 free 2
    2:15+1 3:23+1 free 2
    2:16+1 3:24+1 free 0
    2:17+1 3:25+1 free 0
    2:18+1 3:26+1 free 0
    2:19+1 3:27+1 free 0
    2:20+1 preempted 3 free 6
    2:21+1 free 6
    3:24+5 4:4+2 free 3
    3:29+1 4:6+1 free 3
    3:30+1 4:7+1 free 3
    3:31+1 free 3
    5:0+4 free 3
    case 145 16 4 5 1 0 0 0 100 8 4 21
    0 8 6 1
    3 2 5 2
    6 6 9 2
    9 8 10 2
    0:0+8 free 3
    0:8+1 free 2
    0:9+1 free 2
    0:10+1 1:0+2 free 1
    0:11+1 1:2+1 free 1
    0:12+1 1:3+1 free 0
    1:4+1 2:0+6 free 1
    1:5+1 2:6+1 free 1
    2:7+1 free 3
    2:8+1 3:4+4 free 1
    2:9+1 3:8+1 free 0
    2:10+1 3:9+1 free 0
    2:11+1 3:10+1 free 0
    2:12+1 preempted 3 free 1
    2:13+1 free 1
    3:8+4 free 2
    3:12+1 free 1
    3:13+1 free 1
    3:14+1 free 1
    3:15+1 free 1
    3:16+1 free 0
    case 151 16 4 8 1 1 0 0 100 8 6 15
    0 8 5 1
    1 16 5 1 2
    2 8 7 3
    2 11 5 1 4
    3 17 3 1 4 5
    3 11 2 1 4
    0:0+8 free 6
    0:8+1 1:8+8 free 3
    0:9+1 1:16+1 2:0+8 free 0
    0:10+1 1:17+1 preempted 2 free 2
    0:11+1 1:18+1 free 2
    1:19+1 free 2
    2:8+1 free 0
    2:9+1 3:8+3 free 2
    2:10+1 3:11+1 free 2
    2:11+1 3:12+1 free 1
    2:12+1 3:13+1 free 0
    2:13+1 3:14+1 free 0
    4:8+9 5:8+3 free 2
    4:17+1 5:11+1 free 2
    4:18+1 free 2
    case 152 15 4 7 1 0 0 0 100 0 3 21
    0 16 10
    1 8 4
    1 10 9
    0:0+15 free 3
    0:15+1 1:0+8 free 1
    0:16+1 preempted 1 free 2
    0:17+1 free 2
    0:18+1 free 2
    0:19+1 free 2
    0:20+1 free 1
    0:21+1 free 1
    0:22+1 free 1
    0:23+1 free 1
    0:24+1 free 0
    1:0+9 2:0+6 free 2
    1:9+1 2:6+4 free 1
    1:10+1 2:10+1 free 1
    2:11+1 free 4
    2:12+1 free 3
    2:13+1 free 3
    2:14+1 free 3
    2:15+1 free 3
    2:16+1 free 2
    2:17+1 free 2
    case 153 18 2 5 1 1 5 0 100 6 5 21
    1 17 4 1 2 3
    2 14 4 1 4 5
    5 2 3 6
    8 15 6 6 9 10
    10 16 4 1 2 11
    0:0+17 free 0
    0:17+1 free 0
    0:18+1 free 0
    0:19+1 free 0
    1:4+5 2:0+2 free 1
    1:9+5 2:2+1 free 0
    1:14+1 2:3+1 free 0
    1:15+1 free 0
    1:16+1 free 0
    3:0+5 4:4+5 free 0
    3:5+5 preempted 4 free 2
    3:10+5 free 1
    3:15+1 free 1
    3:16+1 free 0
    3:17+1 free 0
    3:18+1 free 0
    3:19+1 free 0
    4:0+16 free 1
    4:16+1 free 0
    4:17+1 free 0
    4:18+1 free 0
    case 157 22 3 8 1 1 0 1 100 4 3 11
    1 8 7 1 2
    4 16 1 3 4 5 6
    4 16 5 3 4 5 6
    0:0+8 free 6
    0:8+1 free 5
    0:9+1 free 5
    0:10+1 1:0+16 2:12+4 free 0
    0:11+1 preempted 2 free 1
    0:12+1 free 4
    0:13+1 free 4
    2:16+1 free 3
    2:17+1 free 3
    2:18+1 free 3
    2:19+1 free 3
    case 168 6 4 10 1 1 0 1 100 8 4 17
    3 8 6 1
    5 11 9 1 2
    7 8 6 3
    8 16 7 1 2
    0:0+6 free 8
    0:6+2 free 8
    0:8+1 1:8+3 free 6
    0:9+1 1:11+1 free 6
    0:10+1 1:12+1 2:0+4 free 4
    0:11+1 1:13+1 2:4+4 free 3
    0:12+1 1:14+1 2:8+1 free 1
    1:15+1 2:9+1 free 1
    1:16+1 2:10+1 3:8+4 free 1
    1:17+1 2:11+1 3:12+4 free 0
    1:18+1 2:12+1 preempted 3 free 1
    3:12+5 free 5
    3:17+1 free 5
    3:18+1 free 5
    3:19+1 free 5
    3:20+1 free 4
    3:21+1 free 4
    case 169 11 4 14 1 0 0 1 100 6 6 13
    1 3 8 1
    1 16 5 1 2 3
    1 8 8 4 5
    4 12 7 4 5
    5 12 3 1 6
    5 16 5 4 5 7
    0:0+3 1:0+8 free 11
    0:3+1 1:8+8 2:0+2 free 8
    0:4+1 1:16+1 2:2+6 free 5
    0:5+1 1:17+1 2:8+1 3:8+4 free 3
    0:6+1 1:18+1 2:9+1 3:12+1 free 2
    0:7+1 1:19+1 2:10+1 3:13+1 free 2
    0:8+1 2:11+1 3:14+1 4:4+8 free 3
    0:9+1 2:12+1 3:15+1 4:12+1 free 1
    2:13+1 3:16+1 4:13+1 5:12+4 free 2
    2:14+1 3:17+1 5:16+1 free 5
    5:17+1 free 9
    5:18+1 free 9
    5:19+1 free 9
    case 181 21 4 6 1 0 0 0 100 6 4 21
    3 15 1 1 2 3
    5 16 7 1 4 5
    7 8 7 1 4
    7 16 8 6 7 8
    0:0+15 free 2
    1:4+12 free 2
    1:16+1 free 1
    1:17+1 2:4+4 free 0
    1:18+1 preempted 2 free 1
    1:19+1 2:8+1 free 0
    1:20+1 preempted 2 free 0
    1:21+1 free 0
    2:8+2 free 3
    2:10+1 free 3
    2:11+1 free 3
    2:12+1 free 2
    2:13+1 free 2
    3:0+16 free 2
    3:16+1 free 1
    3:17+1 free 1
    3:18+1 free 1
    3:19+1 free 1
    3:20+1 free 0
    3:21+1 free 0
    3:22+1 free 0
    case 184 11 2 8 1 0 0 1 100 4 6 17
    0 5 4 1 2
    0 16 2 3 4 5 6
    2 16 1 1 7 8 9
    4 16 10 1 7 8 9
    6 8 2 1 7
    7 8 8 1 7
    0:0+5 1:0+6 free 4
    0:5+1 1:6+10 free 2
    0:6+1 1:16+1 free 1
    0:7+1 2:4+10 free 3
    2:14+2 3:12+4 free 3
    3:16+1 free 3
    3:17+1 4:4+4 free 2
    3:18+1 4:8+1 free 1
    3:19+1 5:4+4 free 2
    3:20+1 5:8+1 free 0
    3:21+1 5:9+1 free 0
    3:22+1 5:10+1 free 0
    3:23+1 5:11+1 free 0
    3:24+1 preempted 5 free 1
    5:8+5 free 4
    5:13+1 free 4
    5:14+1 free 4
    """
}

"""Time the engines beside the runtimes people deploy, in one run: `make bench-engines`.

Every runner has a process of its own for each case and thread count; the parent asks them in turn
for a round, so that what disturbs the machine disturbs all.  A round is as many calls as fill
ROUND_MS, one at least, and its result their median; a time is the median of the rounds, with
quartiles.  A call takes a batch that is already quantized, in the dtype and layout that the runner
wants (float32 for a float network), and ends with the logits in NumPy's hands.

The record, book/engines.json, is written when all is measured:

    date, python, rounds
    machine     {architecture, processor, features, cores}
    call        what a call and a round are, in words
    versions    {runner: "ai-edge-litert 2.3.0", ...}
    missing     {runner: why it was not measured}
    networks    [{network, image: [H, W, C], mac, weight_bytes, activation_bytes, moved_bytes}]: all
                but weight_bytes for one image; moved_bytes: input and output, each once, of the
                layers that are not fused into another
    runs        [{network, batch, runner, threads, rounds, us, q1, q3, gmac_per_s, images, logits,
                equal_images, equal_logits, peak_bytes, plan_bytes}]: us, q1, q3 are microseconds a
                call of the whole batch; equal: how many are those of `layers`, an image when all
                its logits are (null for a float network); peak_bytes: how far the peak of the
                process's resident memory rose from before the model was built, the code that was
                paged in included; plan_bytes: plan.nbytes of an engine, else null
    ratios      [{slow, fast, network, batch, threads, ratio, bound, target, aim, met}]: slow and
                fast are runners, ratio = us of slow / us of fast, bound "at least" or "at most",
                aim: hoped for, not asked for; last come those of memory, slow "numpy plan" or
                "vnni plan", fast "activations + weights"
    growth      [{axis: "side" | "channels" | "batch", value, network, batch, mac, runner, threads,
                us, q1, q3, logits, equal_logits, plan_bytes}]: mac of a call
    roofline    {rates: [{kernel: "float32 BLAS" | "u8 x s8", threads, product: [m, k, n],
                gmac_per_s}], copy: [{threads, gb_per_s}], networks: [{network, batch, mac, bytes,
                mac_per_byte}]}: of a call; bytes are the weights and the moved_bytes of the batch;
                a copy's gigabytes are those read and those written
"""

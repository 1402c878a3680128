/* A transpose, or a pad on any axis: each code from its place in the input, or value outside it. */
static void gather(const struct gather *layer, const int8_t *in, int8_t *out)
{
    for (int32_t i = 0; i < layer->size; i++) {
        int32_t rest = i, from = 0, inside = 1;
        for (int32_t k = layer->rank; k-- > 0;) {
            const struct axis *axis = &layer->axes[k];
            const int32_t at = rest % axis->size - axis->start;
            rest /= axis->size;
            if (at < 0 || at >= axis->limit)
                inside = 0;
            else
                from += at * axis->stride;
        }
        out[i] = inside ? in[from] : layer->value;
    }
}

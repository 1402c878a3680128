/* As add, with a left shift of 20.  out may be a or b. */
static void sub(const struct sub *layer, const int8_t *a, const int8_t *b, int8_t *out)
{
    const int32_t fine = (int32_t)1 << 20;
    for (int32_t i = 0; i < layer->size; i++) {
        const int64_t on_a = rescale(&layer->a, 0, (a[i] - layer->a_zero_point) * fine);
        const int64_t on_b = rescale(&layer->b, 0, (b[i] - layer->b_zero_point) * fine);
        const int64_t difference = rescale(&layer->difference, 0, (int32_t)(on_a - on_b));
        out[i] = saturate(difference + layer->out_grid.zero_point, &layer->out_grid);
    }
}

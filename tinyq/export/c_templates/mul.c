/* The product of two codes less their zero_points, by equation (5.9).  out may be a or b. */
static void mul(const struct mul *layer, const int8_t *a, const int8_t *b, int8_t *out)
{
    for (int32_t i = 0; i < layer->size; i++) {
        const int32_t product = (a[i] - layer->a_zero_point) * (b[i] - layer->b_zero_point);
        const int64_t code = rescale(&layer->requantizer, 0, product) + layer->out_grid.zero_point;
        out[i] = saturate(code, &layer->out_grid);
    }
}

/* Equation (6.2). */
static void pad2d(const struct pad2d *layer, const int8_t *in, int8_t *out)
{
    for (int32_t y = 0; y < layer->out.height; y++) {
        for (int32_t x = 0; x < layer->out.width; x++) {
            const int32_t row = y - layer->top, column = x - layer->left;
            const int inside = row >= 0 && row < layer->in.height && column >= 0
                               && column < layer->in.width;
            for (int32_t c = 0; c < layer->in.channels; c++)
                *out++ = inside ? *in++ : layer->value;
        }
    }
}

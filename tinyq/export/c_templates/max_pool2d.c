/* Equation (7.2).  What a window covers outside the image is not looked at. */
static void max_pool2d(const struct pool2d *layer, const int8_t *in, int8_t *out)
{
    const int32_t channels = layer->in.channels, pitch = layer->in.width * channels;
    for (int32_t y = 0; y < layer->out.height; y++) {
        for (int32_t x = 0; x < layer->out.width; x++) {
            const int32_t top = y * layer->stride_y - layer->top;
            const int32_t left = x * layer->stride_x - layer->left;
            for (int32_t c = 0; c < channels; c++) {
                int8_t largest = (int8_t)layer->grid.qmin;
                for (int32_t ky = 0; ky < layer->kernel_height; ky++) {
                    for (int32_t kx = 0; kx < layer->kernel_width; kx++) {
                        const int32_t row = top + ky, column = left + kx;
                        const int inside = row >= 0 && row < layer->in.height && column >= 0
                                           && column < layer->in.width;
                        if (inside && in[row * pitch + column * channels + c] > largest)
                            largest = in[row * pitch + column * channels + c];
                    }
                }
                *out++ = largest;
            }
        }
    }
}
